import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { CutoverInputs } from "@mcp-fleet/cutover-runner";
import type { Stack } from "@pulumi/pulumi/automation";

import { type Ended, testEngine } from "./engine";
import { ScratchBackend } from "./scratch-backend";
import { fixtureDirectory, fixtureInputs } from "./state-fixture";

/**
 * The fixtures' program as a stack of the real CLI, driven by the Automation API, or by the CLI itself where the
 * API has no option for it or a test is about the CLI's process.
 */
export class FixtureStack {
  private constructor(
    private readonly backend: ScratchBackend,
    private readonly serverUrl: string,
    /** The project's directory; the stack's file is in it. */
    readonly directory: string,
    readonly automation: Stack,
  ) {}

  /** @param serverUrl the URL of all servers */
  static async create(serverUrl: string): Promise<FixtureStack> {
    const backend = new ScratchBackend(await testEngine());
    const directory = join(backend.directory, "project");
    mkdirSync(directory);
    const main = join(fixtureDirectory, "program");
    const runtime = { name: "nodejs", options: { typescript: false } };
    // JSON is valid YAML.
    writeFileSync(
      join(directory, "Pulumi.yaml"),
      JSON.stringify({ name: "state-fixture", main, runtime }),
    );
    const automation = await backend.stackOf(directory, "fixture");
    return new FixtureStack(backend, serverUrl, directory, automation);
  }

  get env(): Readonly<Record<string, string>> {
    return this.backend.env;
  }

  remove(): void {
    this.backend.remove();
  }

  /** Sets the target and where the database is. */
  async configure(target: CutoverInputs["target"], databaseUrl: string): Promise<void> {
    await this.automation.setAllConfig({
      inputs: { value: JSON.stringify(fixtureInputs(target, this.serverUrl)) },
      "mcp-fleet:databaseUrl": { value: databaseUrl, secret: true },
    });
  }

  /** Runs an update; returns the number of resources by operation. */
  async up(): Promise<{
    readonly said: string;
    readonly changes: Readonly<Record<string, number>>;
  }> {
    const { stdout, summary } = await this.automation.up();
    return { said: stdout, changes: { ...summary.resourceChanges } };
  }

  /** The generation that the stack exports. */
  async generation(): Promise<number> {
    return (await this.automation.outputs()).generation?.value as number;
  }

  /** The state as `pulumi stack export` writes it: with encrypted secrets, unlike the Automation API's. */
  exportState(): Promise<string> {
    return this.run(["stack", "export"]);
  }

  async importState(text: string): Promise<void> {
    await this.run(["stack", "import", "--force"], text);
  }

  /** Runs a command that must succeed, and returns its output. */
  async run(args: readonly string[], input = ""): Promise<string> {
    const { exitCode, all } = await this.start(args, input);
    if (exitCode === 0) return all;
    throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}: ${all}`);
  }

  /** Runs a command to its end, successful or not. */
  async try(args: readonly string[]): Promise<Ended> {
    const { exitCode, all } = await this.start(args);
    return { exitCode, said: all };
  }

  /** Starts a command in the background. */
  start(args: readonly string[], input = "") {
    return this.backend.start(this.directory, [...args, "--stack", "fixture"], input);
  }
}

/** An update without a preview before it. */
export const update = ["up", "--yes", "--skip-preview"];
