import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";

import {
  type InlineProgramArgs,
  LocalWorkspace,
  type LocalWorkspaceOptions,
  PulumiCommand,
  type Stack,
} from "@pulumi/pulumi/automation";
import { execa } from "execa";

/** A `file://` backend of one test suite, for stacks of the real CLI that are driven by the Automation API. */
export class ScratchBackend {
  /** For project directories; removed with everything else. */
  readonly directory = mkdtempSync(join(tmpdir(), "mcp-fleet-stack-"));
  /** What a command of the CLI needs to find the stacks. */
  readonly env: Readonly<Record<string, string>>;
  private cli: PulumiCommand | undefined;

  private constructor(
    /** The CLI, by its path or by its name on PATH. */
    readonly command: string,
  ) {
    const backend = join(this.directory, "backend");
    mkdirSync(backend);
    this.env = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      // The states that are kept as fixtures are encrypted with it.
      PULUMI_CONFIG_PASSPHRASE: "fixture",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      // The language host starts `node` from PATH, and it has to be the one that runs this.
      PATH: [
        dirname(process.execPath),
        ...(isAbsolute(command) ? [dirname(command)] : []),
        process.env.PATH ?? "",
      ].join(delimiter),
    };
  }

  static async open(command = "pulumi"): Promise<ScratchBackend> {
    const backend = new ScratchBackend(command);
    backend.cli = await automationCommand(command, backend.directory);
    return backend;
  }

  /** A stack whose project is a directory. */
  stackOf(workDir: string, stackName: string): Promise<Stack> {
    return LocalWorkspace.createOrSelectStack({ stackName, workDir }, this.options);
  }

  /** A stack whose program is a function of the test. */
  inlineStack(args: InlineProgramArgs): Promise<Stack> {
    return LocalWorkspace.createOrSelectStack(args, this.options);
  }

  /** Starts a command of the CLI in a project's directory, for what the Automation API has no way to say. */
  start(directory: string, args: readonly string[], input = "") {
    return execa(this.command, [...args, "--non-interactive"], {
      cwd: directory,
      input,
      all: true,
      reject: false,
      timeout: 120_000,
      env: this.env,
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get options(): LocalWorkspaceOptions {
    return {
      ...(this.cli === undefined ? {} : { pulumiCommand: this.cli }),
      envVars: { ...this.env },
    };
  }
}

/**
 * The CLI for the Automation API, which looks for one on PATH, or for `bin/pulumi` under a root: a path of any other
 * form becomes that in `directory`.
 */
export async function automationCommand(
  command: string,
  directory: string,
): Promise<PulumiCommand> {
  if (!isAbsolute(command)) return PulumiCommand.get();
  const root = join(directory, "installation");
  if (!existsSync(root)) {
    mkdirSync(join(root, "bin"), { recursive: true });
    symlinkSync(command, join(root, "bin", "pulumi"));
  }
  return PulumiCommand.get({ root });
}
