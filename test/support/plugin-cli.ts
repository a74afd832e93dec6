import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, isAbsolute, join } from "node:path";

import { installLaunchers } from "../../lab/engine/language-host/launchers";
import { run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { type Ended, testEngine } from "./engine";
import { ScratchBackend } from "./scratch-backend";

/**
 * The Pulumi CLI with the lab's own language host, an empty Pulumi home and its own backend: for tests of the
 * lab's own plugins.
 */
export class PluginCli {
  private constructor(
    readonly backend: ScratchBackend,
    /** Where its plugins are installed: a `PULUMI_HOME`. */
    readonly home: string,
    private readonly room: string,
  ) {}

  /** The lab's CLI, in a directory of its own. */
  static async open(): Promise<PluginCli> {
    const engine = await testEngine();
    const room = mkdtempSync(join(tmpdir(), "mcp-fleet-cli-"));
    const binaries = join(room, "bin");
    const own = join(binaries, "pulumi");
    mkdirSync(binaries);
    // The CLI looks next to the target of a symbolic link.
    copyFileSync(await pathOf(engine.command), own);
    installLaunchers(binaries);
    const home = join(room, "installed");
    const backend = new ScratchBackend({ ...engine, command: own, home });
    return new PluginCli(backend, home, room);
  }

  /**
   * Makes the directory of a program, with the packages of this checkout.
   *
   * @param program text of its index.js
   * @param more of Pulumi.yaml
   */
  project(name: string, program: string, more: object = {}): Project {
    const directory = this.folder(name, program);
    const runtime = { name: "nodejs", options: { typescript: false } };
    // JSON is valid YAML.
    writeFileSync(join(directory, "Pulumi.yaml"), JSON.stringify({ name, runtime, ...more }));
    return this.at(directory);
  }

  /** The program that is in a directory. */
  at(directory: string): Project {
    return new Project(this.backend, directory);
  }

  /** A directory with a package of one file and the packages of this checkout. */
  folder(name: string, program: string): string {
    const directory = join(this.backend.directory, name);
    mkdirSync(directory);
    symlinkSync(join(paths.projectDir, "node_modules"), join(directory, "node_modules"));
    writeFileSync(
      join(directory, "package.json"),
      JSON.stringify({
        ...{ name, version: "0.1.0", main: "index.js" },
        dependencies: { "@pulumi/pulumi": "*" },
      }),
    );
    writeFileSync(join(directory, "index.js"), program);
    return directory;
  }

  remove(): void {
    this.backend.remove();
    rmSync(this.room, { recursive: true, force: true });
  }
}

const pathOf = async (command: string): Promise<string> =>
  isAbsolute(command)
    ? command
    : (await run("sh", ["-c", 'command -v "$1"', "sh", command])).trim();

/** A program with a stack called `dev`. */
export class Project {
  constructor(
    private readonly backend: ScratchBackend,
    readonly directory: string,
  ) {}

  /** Replaces the program. */
  program(text: string): void {
    writeFileSync(join(this.directory, "index.js"), text);
  }

  /** Starts a command in the background. */
  start(args: readonly string[], input = "") {
    return this.backend.start(this.directory, [...args, "--color", "never"], input);
  }

  /** Runs a command to its end, successful or not. */
  async try(args: readonly string[], input = ""): Promise<Ended> {
    const { exitCode, all } = await this.start(args, input);
    return { exitCode, said: all };
  }

  /** Runs a command that must succeed, and returns its output. */
  async done(args: readonly string[], input = ""): Promise<string> {
    const { exitCode, said } = await this.try(args, input);
    if (exitCode === 0) return said;
    throw new Error(
      `pulumi ${args[0]} in ${basename(this.directory)} ended with ${exitCode}: ${said}`,
    );
  }

  up(): Promise<string> {
    return this.done(["up", "--yes", "--skip-preview", "--suppress-progress"]);
  }

  /** The outputs of the stack, the secret ones too. */
  async outputs(): Promise<Record<string, unknown>> {
    const text = await this.done(["stack", "output", "--json", "--show-secrets"]);
    return JSON.parse(text) as Record<string, unknown>;
  }
}
