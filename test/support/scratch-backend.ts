import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import {
  type InlineProgramArgs,
  LocalWorkspace,
  PulumiCommand,
  type Stack,
} from "@pulumi/pulumi/automation";

/** A `file://` backend of one test suite, for stacks of the real CLI that are driven by the Automation API. */
export class ScratchBackend {
  /** For project directories; removed with everything else. */
  readonly directory = mkdtempSync(join(tmpdir(), "mcp-fleet-stack-"));
  /** What a command of the CLI needs to find the stacks. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(private readonly cli: PulumiCommand) {
    const backend = join(this.directory, "backend");
    mkdirSync(backend);
    this.env = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "scratch",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      // The language host starts `node` from PATH, and it has to be the one that runs this.
      PATH: [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
    };
  }

  /** With the CLI on PATH, or the one that `MCP_FLEET_PULUMI` names. */
  static async open(): Promise<ScratchBackend> {
    const named = process.env.MCP_FLEET_PULUMI;
    // An installation has the command in `bin` under its root.
    return new ScratchBackend(
      await PulumiCommand.get(named === undefined ? {} : { root: dirname(dirname(named)) }),
    );
  }

  /** A stack whose project is a directory. */
  stackOf(workDir: string, stackName: string): Promise<Stack> {
    return LocalWorkspace.createOrSelectStack({ stackName, workDir }, this.options);
  }

  /** A stack whose program is a function of the test. */
  inlineStack(args: InlineProgramArgs): Promise<Stack> {
    return LocalWorkspace.createOrSelectStack(args, this.options);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get options(): { pulumiCommand: PulumiCommand; envVars: Record<string, string> } {
    return { pulumiCommand: this.cli, envVars: { ...this.env } };
  }
}
