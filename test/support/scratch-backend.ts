import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { automationStack, inlineStack } from "@mcp-fleet/engine/dist/automation";
import type { InlineProgramArgs, Stack } from "@pulumi/pulumi/automation";
import { execa } from "execa";
import { parse, stringify } from "yaml";

import { environmentOf, type Installation } from "../../lab/engine";
import { paths } from "../../lab/paths";

/** A `file://` backend of one test suite with a Pulumi home of its own. */
export class ScratchBackend {
  /** For project directories; removed with everything else. */
  readonly directory = mkdtempSync(join(tmpdir(), "mcp-fleet-stack-"));
  /** What a command of the CLI needs to find the stacks. */
  readonly env: Readonly<Record<string, string>>;
  /** The CLI, by its path or by its name on PATH. */
  readonly command: string;

  constructor(installation: Installation) {
    this.command = installation.command;
    const [home, backend] = ["home", "backend"].map((name) => join(this.directory, name));
    this.env = {
      ...environmentOf(installation, {
        home: home ?? "",
        backend: backend ?? "",
        // The states that are kept as fixtures are encrypted with it.
        passphrase: "fixture",
      }),
      NO_COLOR: "1",
    };
  }

  /** A stack whose project is a directory. */
  stackOf(workDir: string, stackName: string): Promise<Stack> {
    return automationStack(workDir, stackName, this, { create: true });
  }

  /** Makes the backend's directory a project whose program is this checkout's, with stack files of its own. */
  writeProject(): void {
    const text = readFileSync(join(paths.projectDir, "Pulumi.yaml"), "utf8");
    const project = parse(text) as Record<string, unknown>;
    const own = { ...project, main: paths.projectDir };
    writeFileSync(join(this.directory, "Pulumi.yaml"), stringify(own));
  }

  /** A stack whose program is a function of the test. */
  inlineStack(args: InlineProgramArgs): Promise<Stack> {
    return inlineStack(args, this);
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
}
