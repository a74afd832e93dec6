import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import type { CutoverResources, StackConfig, Update } from "@mcp-fleet/operations";

import { exitCodes } from "../exit-codes";
import { updatesOf } from "./pulumi-history";
import { cutoverResources, type StateResource } from "./resources";
import { call } from "./run";
import { StackFile } from "./stack-file";
import type { Engine, Preview, SecretSetting } from "./types";

/** Which stack of which project. */
export interface PulumiRequest {
  /** A directory of the project. @default the current one */
  readonly directory?: string;
  /** @default the one that is selected */
  readonly stack?: string;
  /** @default "pulumi" on PATH */
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const askSeconds = 120;
const runSeconds = 3600;

/** The Pulumi CLI as it is installed and logged in: Pulumi Cloud or any other backend. */
export class PulumiEngine implements Engine {
  readonly name = "pulumi";
  private readonly directory: string;
  private chosen: Promise<string> | undefined;

  constructor(private readonly request: PulumiRequest) {
    this.directory = projectOf(resolve(request.directory ?? "."));
  }

  async resources(): Promise<CutoverResources> {
    const text = await this.ask(["stack", "export", "--show-secrets"]);
    const state = JSON.parse(text) as { deployment?: { resources?: StateResource[] } };
    return cutoverResources(state.deployment?.resources ?? []);
  }

  async preview(config?: StackConfig): Promise<Preview> {
    const args = ["preview", "--json", "--show-secrets"];
    if (config === undefined) return previewOf(await this.ask(args, runSeconds));
    return (await this.stackFile()).trying(config, this.setter(), async (file) =>
      previewOf(await this.ask([...args, "--config-file", file], runSeconds)),
    );
  }

  async history(): Promise<readonly Update[]> {
    return updatesOf(await this.ask(["stack", "history", "--json", "--show-secrets"]));
  }

  async config(): Promise<StackConfig> {
    const shown = JSON.parse(await this.ask(["config", "--json", "--show-secrets"])) as Record<
      string,
      { value?: string; objectValue?: unknown; secret: boolean }
    >;
    return Object.fromEntries(
      Object.entries(shown).map(([key, { value, objectValue, secret }]) => [
        key,
        { value: objectValue ?? value ?? "", secret },
      ]),
    );
  }

  async commit(): Promise<string | undefined> {
    const args = ["rev-parse", "HEAD"];
    const git = { command: "git", args, cwd: this.directory, timeoutSeconds: 10 };
    const answer = await call(git).catch(() => undefined);
    return answer?.code === 0 ? answer.stdout.trim() : undefined;
  }

  async update(config: StackConfig, message?: string): Promise<void> {
    await (await this.stackFile()).replace(config, this.setter());
    const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--suppress-progress"];
    const done = await this.pulumi(message === undefined ? args : [...args, "--message", message], {
      timeoutSeconds: runSeconds,
      show: "all",
    });
    if (done.code === 0) return;
    throw new UserError(
      "The update failed; what it said is above.",
      "Mend the cause, then run `pulumi up`: the stack's configuration is the one returned to already.",
    );
  }

  async setSecrets(settings: readonly SecretSetting[]): Promise<void> {
    const file = await this.stackFile();
    file.refuseWhole(settings);
    for (const { path, value } of settings) await this.setter()(file.path, path, value);
  }

  commandsTo({ commit, version, dirty }: Update): string[] {
    return [
      `cd ${this.directory}`,
      `git checkout ${commit ?? `<the commit of update ${version}>`}`,
      ...(dirty === true ? ["# its work tree had changes that are in no commit"] : []),
      "npm ci && npm run build",
      "pulumi preview --diff",
      "pulumi up",
    ];
  }

  private async stackFile(): Promise<StackFile> {
    return StackFile.of(this.directory, await this.stack());
  }

  private setter() {
    return async (file: string, path: readonly string[], value: string): Promise<void> => {
      const [key = "", ...rest] = path;
      const inner = rest.map((part) => `[${JSON.stringify(part)}]`).join("");
      await this.ask(
        ["config", "set", "--secret", "--path", `${key}${inner}`, "--config-file", file],
        askSeconds,
        value,
      );
    };
  }

  /** The stack's name; asked for once. */
  private stack(): Promise<string> {
    if (this.request.stack !== undefined) return Promise.resolve(this.request.stack);
    this.chosen ??= this.run(["stack", "--show-name"]).then(({ stdout }) => stdout.trim());
    return this.chosen;
  }

  private async ask(
    args: readonly string[],
    timeoutSeconds = askSeconds,
    input?: string,
  ): Promise<string> {
    const answer = await this.pulumi([...args, "--non-interactive"], {
      timeoutSeconds,
      ...(input === undefined ? {} : { input }),
    });
    if (answer.code === 0) return answer.stdout;
    throw failure(args, answer.stderr === "" ? reasonIn(answer.stdout) : answer.stderr);
  }

  private async pulumi(
    args: readonly string[],
    options: { timeoutSeconds: number; input?: string; show?: "all" },
  ): ReturnType<typeof call> {
    return this.run([...args, "--stack", await this.stack(), "--color", "never"], options);
  }

  private run(
    args: readonly string[],
    options: { timeoutSeconds: number; input?: string; show?: "all" } = {
      timeoutSeconds: askSeconds,
    },
  ): ReturnType<typeof call> {
    const { command = "pulumi", env = {} } = this.request;
    return call({ command, args, cwd: this.directory, env, ...options });
  }
}

/** `preview --json` puts its errors among the diagnostics. */
function reasonIn(text: string): string {
  try {
    const { diagnostics = [] } = JSON.parse(text) as {
      diagnostics?: { severity: string; message: string }[];
    };
    return diagnostics.find(({ severity }) => severity === "error")?.message ?? "";
  } catch {
    return "";
  }
}

function failure(args: readonly string[], said: string): UserError {
  const lines = said
    .replace(/^error: /gm, "")
    .trim()
    .split("\n");
  // The program's own refusals are two sentences, a line each.
  const [problem = "", fix] = lines.filter((line) => line.trim() !== "");
  return new UserError(
    `\`pulumi ${args.slice(0, 2).join(" ")}\` failed: ${problem}`,
    fix ?? "Run it by hand in the project's directory to see more.",
  );
}

function previewOf(text: string): Preview {
  const { steps = [], changeSummary = {} } = JSON.parse(text) as {
    steps?: { newState?: StateResource }[];
    changeSummary?: Record<string, number>;
  };
  const { same: _same, ...changes } = changeSummary;
  const resources = steps.flatMap(({ newState }) => (newState === undefined ? [] : [newState]));
  return { resources: cutoverResources(resources), changes };
}

/** The nearest directory above with a project file. */
function projectOf(start: string): string {
  for (let at = start; ; at = dirname(at)) {
    if (["Pulumi.yaml", "Pulumi.yml"].some((name) => existsSync(join(at, name)))) return at;
    if (dirname(at) === at) {
      throw new UserError(
        `There is no Pulumi.yaml in ${start} or above.`,
        "Name the project's directory with --cwd, the lab with --lab, or a file that describes the cutover with --fleet.",
        { exitCode: exitCodes.usage },
      );
    }
  }
}
