import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { quoted, readTextFile, UserError } from "@mcp-fleet/errors";
import type { Program, Update } from "@mcp-fleet/operations";
import type { Stack } from "@pulumi/pulumi/automation";

import { automationStack } from "./automation";
import { failure, withShortErrors } from "./failure";
import { updatesOf } from "./history";
import { type PreviewJson, previewOf } from "./preview";
import { call, type Ended, jsonOf } from "./process";
import { programAt, projectInRepository } from "./program";
import { cutoverResources } from "./resources";
import { plainOutputs, run } from "./run";
import { StackFile } from "./stack-file";
import type {
  CutoverResources,
  Done,
  Preview,
  RunOptions,
  SecretSetting,
  StackConfig,
  StackPlace,
  StateResource,
} from "./types";

/** Exit code for a wrong command line; `mcp-fleet`'s "usage". */
const usage = 2;

/** Time limits of a query and of an update, in seconds. */
const querySeconds = 120;
const runSeconds = 3600;

/**
 * A stack of the installed Pulumi CLI, in Pulumi Cloud or any other backend. No secret is an argument of a process.
 */
export class PulumiStack {
  /** The project's own directory. */
  readonly directory: string;
  private chosen: Promise<string> | undefined;
  private opened: Promise<Stack> | undefined;

  /** @throws UserError when there is no project there */
  constructor(readonly place: StackPlace) {
    this.directory = projectOf(resolve(place.directory ?? "."));
  }

  /** The stack's name; asked for once. */
  name(): Promise<string> {
    this.chosen ??=
      this.place.stack === undefined ? this.selected() : Promise.resolve(this.place.stack);
    return this.chosen;
  }

  private async selected(): Promise<string> {
    const { code, stdout } = await this.cli(["stack", "--show-name"]);
    if (code === 0 && stdout.trim() !== "") return stdout.trim();
    throw new UserError(
      `No stack of the project in ${this.directory} is selected.`,
      "Name one with --stack, or select it: pulumi stack select <name>",
      { exitCode: usage },
    );
  }

  /** The full name: `organization/project/stack`. */
  async fullName(): Promise<string> {
    return (await this.ask(["stack", "--show-name", "--fully-qualify-stack-names"])).trim();
  }

  /** The same stack for the SDK's Automation API. */
  automation(): Promise<Stack> {
    this.opened ??= this.name().then((name) => automationStack(this.directory, name, this.place));
    return this.opened;
  }

  /** Creates the stack unless it exists. */
  async create(): Promise<void> {
    this.opened = this.name().then((name) =>
      automationStack(this.directory, name, this.place, { create: true }),
    );
    await this.opened;
  }

  /** The Cutover as the last update left it. @throws UserError when the stack has none */
  async cutover(): Promise<CutoverResources> {
    return cutoverResources(await this.resources());
  }

  /** All resources as the last update left them; secrets are wrapped, as the state's export has them. */
  async resources(): Promise<readonly StateResource[]> {
    const exported: { deployment?: unknown } = await withShortErrors("stack export", async () =>
      (await this.automation()).exportStack(),
    );
    const deployment = exported.deployment as { resources?: StateResource[] } | undefined;
    return deployment?.resources ?? [];
  }

  /** The stack's outputs, secrets in clear; none before the first update. */
  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    return plainOutputs(
      await withShortErrors("stack output", async () => (await this.automation()).outputs()),
    );
  }

  /** @param config used for this preview only, in place of the stack's own */
  async preview(config?: StackConfig): Promise<Preview> {
    const args = ["preview", "--json", "--show-secrets", "--show-sames"];
    const asked = async (...more: string[]): Promise<Preview> =>
      previewOf(
        jsonOf<PreviewJson>(
          "pulumi preview --json",
          await this.ask([...args, ...more], { timeoutSeconds: runSeconds }),
        ),
      );
    if (config === undefined) return asked();
    return (await this.stackFile()).withTemporary(
      config,
      await this.config(),
      this.setter(),
      (file) => asked("--config-file", file),
    );
  }

  /** Runs an update to its end. @throws UserError with the first error of program or engine */
  up(options: RunOptions = {}): Promise<Done> {
    return run(this, "up", { timeoutSeconds: runSeconds, ...options });
  }

  destroy(options: RunOptions = {}): Promise<Done> {
    return run(this, "destroy", { timeoutSeconds: runSeconds, ...options });
  }

  refresh(options: RunOptions = {}): Promise<Done> {
    return run(this, "refresh", { timeoutSeconds: runSeconds, ...options });
  }

  /** Cancels the update that runs and removes every lock of the stack, whoever made it. */
  async cancel(): Promise<void> {
    await withShortErrors("cancel", async () => (await this.automation()).cancel());
  }

  /** The text of the stack's file; undefined where there is none. */
  async fileText(): Promise<string | undefined> {
    const { path } = await this.stackFile();
    return existsSync(path) ? readTextFile(path) : undefined;
  }

  /** Finished updates, oldest first. */
  async history(): Promise<readonly Update[]> {
    return updatesOf(
      await this.ask(["stack", "history", "--json", "--show-secrets", "--page-size", "0"]),
    );
  }

  /** The stack's configuration, secrets in clear. */
  async config(): Promise<StackConfig> {
    // The Automation API gives objects as their JSON text only.
    const shown = jsonOf<Record<string, ShownValue>>(
      "pulumi config --json",
      await this.ask(["config", "--json", "--show-secrets"]),
    );
    return Object.fromEntries(
      Object.entries(shown).map(([key, { value, objectValue, secret }]) => [
        key,
        { value: objectValue ?? value ?? "", secret },
      ]),
    );
  }

  /** Writes `config` into the stack's file. Comments and unchanged secrets stay as they are written. */
  async configure(config: StackConfig): Promise<void> {
    await (await this.stackFile()).replace(config, await this.config(), this.setter());
  }

  /** @throws UserError when a value that is there already would be lost */
  async setSecrets(settings: readonly SecretSetting[]): Promise<void> {
    const file = await this.stackFile();
    file.refuseWhole(settings);
    for (const { path, value } of settings) await this.setter()(file.path, path, value);
  }

  /** The program in the working directory. */
  program(): Promise<Program> {
    return programAt(this.directory);
  }

  /**
   * Commands that return to an update of another program. They use a work tree, so that nothing changes here. The stack
   * file is copied there and, after the rollback, back.
   */
  async commandsTo({ commit, version }: Update): Promise<string[]> {
    const name = await this.name();
    const [project, { path: file }] = [
      await projectInRepository(this.directory),
      await this.stackFile(),
    ];
    // Whoever ran an update wrote the commit into its history, and these lines are for pasting.
    const known = commit !== undefined && /^[0-9a-f]{7,64}$/i.test(commit);
    const tree = `../mcp-fleet-update-${version}`;
    const there = join(tree, project);
    const fileThere = quoted(join(there, relative(this.directory, file)));
    const top = join(
      this.directory,
      ...project.split("/").flatMap((part) => (part === "" ? [] : "..")),
    );
    return [
      `cd ${quoted(top)}`,
      `git worktree add --detach ${quoted(tree)} ${known ? commit : `<the commit of update ${version}>`}`,
      `cp ${quoted(file)} ${fileThere}`,
      `(cd ${quoted(there)} && npm ci && npm run build)`,
      `mcp-fleet rollback --cwd ${quoted(there)} --stack ${quoted(name)} --to ${version}`,
      `cp ${fileThere} ${quoted(file)}`,
    ];
  }

  /** Runs a command of the CLI on this stack. It has to succeed. @returns its standard output */
  async ask(
    args: readonly string[],
    options: { readonly timeoutSeconds?: number; readonly input?: string } = {},
  ): Promise<string> {
    const answer = await this.try(args, options);
    if (answer.code === 0) return answer.stdout;
    throw failure(args, answer);
  }

  /** Runs a command of the CLI on this stack; it may fail. */
  async try(
    args: readonly string[],
    options: { readonly timeoutSeconds?: number; readonly input?: string } = {},
  ): Promise<Ended> {
    const more = ["--stack", await this.name(), "--color", "never", "--non-interactive"];
    return this.cli([...args, ...more], options);
  }

  /** Runs a command of the CLI without a stack. It has to succeed. @returns its standard output */
  async tool(args: readonly string[]): Promise<string> {
    const answer = await this.cli(args);
    if (answer.code === 0) return answer.stdout;
    throw failure(args, answer);
  }

  private async stackFile(): Promise<StackFile> {
    return StackFile.of(this.directory, await this.name());
  }

  /** Passes values through standard input, so that no list of processes shows them. */
  private setter() {
    return async (
      file: string,
      path: readonly (string | number)[],
      value: string,
    ): Promise<void> => {
      const [key = "", ...rest] = path;
      const inner = rest.map((part) => `[${JSON.stringify(part)}]`).join("");
      await this.ask(
        ["config", "set", "--secret", "--path", `${key}${inner}`, "--config-file", file],
        // The CLI removes one line break at the end.
        { input: `${value}\n` },
      );
    };
  }

  private cli(
    args: readonly string[],
    options: { readonly timeoutSeconds?: number; readonly input?: string } = {},
  ): Promise<Ended> {
    const { command = "pulumi", env = {}, signal } = this.place;
    return call({
      command,
      args,
      cwd: this.directory,
      env,
      timeoutSeconds: querySeconds,
      ...(signal === undefined ? {} : { signal }),
      ...options,
    });
  }
}

/** One value of `pulumi config --json`. */
interface ShownValue {
  readonly value?: string;
  readonly objectValue?: unknown;
  readonly secret: boolean;
}

/** The nearest directory with a project file, from `start` upwards. */
function projectOf(start: string): string {
  for (let at = start; ; at = dirname(at)) {
    if (["Pulumi.yaml", "Pulumi.yml"].some((name) => existsSync(join(at, name)))) return at;
    if (dirname(at) === at) {
      throw new UserError(
        `There is no Pulumi.yaml in ${start} or above.`,
        "Name the project's directory with --cwd, or the lab with --lab. A command that has --fleet takes a file that describes the cutover instead.",
        { exitCode: usage },
      );
    }
  }
}
