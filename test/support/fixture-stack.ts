import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import type { CutoverInputs } from "@mcp-fleet/cutover-runner";
import { execa } from "execa";

import type { Ended } from "./engine";
import { fixtureDirectory, fixtureInputs } from "./state-fixture";

/** The fixtures' program as a stack of the real CLI, with a `file://` backend and a project directory of its own. */
export class FixtureStack {
  /** The project's directory; the stack's file is in it. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  private readonly scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-stack-"));

  private constructor() {
    this.directory = join(this.scratch, "project");
    const backend = join(this.scratch, "backend");
    for (const directory of [this.directory, backend]) mkdirSync(directory);
    const main = join(fixtureDirectory, "program");
    const runtime = { name: "nodejs", options: { typescript: false } };
    const project = { name: "state-fixture", main, runtime };
    // JSON is YAML.
    writeFileSync(join(this.directory, "Pulumi.yaml"), JSON.stringify(project));
    this.env = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "fixture",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      PATH: [dirname(process.execPath), dirname(command), process.env.PATH ?? ""].join(delimiter),
    };
  }

  static async create(): Promise<FixtureStack> {
    const stack = new FixtureStack();
    await stack.run(["stack", "init", "--secrets-provider", "passphrase"]);
    return stack;
  }

  remove(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Sets the target and where the database is. */
  async configure(target: CutoverInputs["target"], databaseUrl: string): Promise<void> {
    await this.run(["config", "set", "--path", "inputs"], JSON.stringify(fixtureInputs(target)));
    await this.run(["config", "set", "--secret", "mcp-fleet:databaseUrl"], databaseUrl);
  }

  /** Runs a command that has to succeed, and gives what it said. */
  async run(args: readonly string[], input = ""): Promise<string> {
    const { exitCode, all } = await this.start(args, input);
    if (exitCode === 0) return all;
    throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}: ${all}`);
  }

  /** Runs a command to its end, whatever that is. */
  async try(args: readonly string[]): Promise<Ended> {
    const { exitCode, all } = await this.start(args);
    return { exitCode, said: all };
  }

  up(): Promise<string> {
    return this.run(update);
  }

  /** Starts a command in the background. */
  start(args: readonly string[], input = "") {
    return execa(command, [...args, "--stack", "fixture", "--non-interactive"], {
      cwd: this.directory,
      input,
      all: true,
      reject: false,
      timeout: 120_000,
      env: this.env,
    });
  }
}

/** An update without a preview before it. */
export const update = ["up", "--yes", "--skip-preview"];
const command = process.env.MCP_FLEET_PULUMI ?? "pulumi";
