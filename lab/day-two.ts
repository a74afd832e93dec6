import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import type { StackConfig, Update } from "@mcp-fleet/operations";

import { chooseEngine, pulumiOfLab } from "./engine";
import { consoleLog } from "./log";
import { paths } from "./paths";
import { readHistory } from "./runner/history";
import { runProgram } from "./runner/runner";
import { State } from "./runner/state";
import type { Change, RunnerConfig } from "./runner/types";
import { revealObject } from "./runner/wire";
import { keepSecrets, openLab, passphrase, stack } from "./session";

/** What the command line tells an `engine` command on standard input. */
interface Told {
  readonly config?: StackConfig;
  readonly settings?: readonly { readonly path: readonly string[]; readonly value: string }[];
}

const stateFile = join(paths.engine, "state.json");

/** The lab as an engine for `mcp-fleet --lab`: each verb answers with JSON, which may hold secrets. */
export const engineVerbs: Readonly<Record<string, (told: Told) => Promise<unknown>>> = {
  async describe() {
    const engine = await chooseEngine(paths.projectDir);
    return engine.command === undefined
      ? { kind: "runner" }
      : {
          kind: "pulumi",
          command: engine.command,
          stack,
          ...pulumiOfLab(paths.engine, passphrase()),
        };
  },
  state() {
    const state = openState();
    return Promise.resolve({
      resources: [...state.resources.values()].map(({ type, inputs, outputs }) => ({
        type,
        inputs: revealObject(inputs),
        outputs: revealObject(outputs),
      })),
      outputs: revealObject(state.outputs),
    });
  },
  history: () => Promise.resolve(readHistory(openState()).map(updateOf)),
  commit: () => Promise.resolve(commit()),
  async preview({ config }) {
    const run =
      config === undefined
        ? await (await openLab({}, consoleLog())).preview("in-cluster")
        : await runProgram({ ...options(config), mode: "preview" });
    return {
      resources: run.registered.map(({ type, inputs }) => ({ type, inputs })),
      outputs: run.outputs,
      changes: counted(run.changes),
    };
  },
  async update({ config }) {
    if (config === undefined) throw new Error("an update needs a configuration");
    await runProgram({ ...options(config), mode: "up" });
    return {};
  },
  set_secrets({ settings = [] }) {
    keepSecrets(settings);
    return Promise.resolve({});
  },
};

function openState(): State {
  if (!existsSync(stateFile)) {
    throw new UserError("The lab has no stack yet.", "Start it with `make up`.");
  }
  return new State(stateFile, stack, passphrase());
}

function options(config: StackConfig): Omit<Parameters<typeof runProgram>[0], "mode"> {
  return {
    config: Object.fromEntries(
      Object.entries(config).map(([key, { value, secret }]): [string, RunnerConfig[string]] => [
        key,
        { value: typeof value === "string" ? value : JSON.stringify(value), secret },
      ]),
    ),
    ...{ stack, stateFile, project: "mcp-fleet", projectDir: paths.projectDir },
    kubeconfig: paths.kubeconfig,
    statePassphrase: passphrase(),
    log: consoleLog(),
  };
}

function updateOf(entry: ReturnType<typeof readHistory>[number]): Update {
  return {
    version: entry.version,
    kind: entry.mode === "up" ? "update" : entry.mode,
    succeeded: entry.result === "succeeded",
    startedAt: entry.startedAt,
    endedAt: entry.endedAt,
    ...(entry.commit === undefined ? {} : { commit: entry.commit }),
    ...(entry.message === undefined ? {} : { message: entry.message }),
    changes: counted(entry.changes),
    config: Object.fromEntries(
      Object.entries(entry.config).map(([key, { value, secret }]) => [
        key,
        { value: parsed(value), secret: secret === true },
      ]),
    ),
  };
}

/** Objects and lists are kept as their JSON text. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function counted(changes: readonly Change[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of changes) if (op !== "same") counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

function commit(): { commit?: string } {
  try {
    const git = { cwd: paths.projectDir, encoding: "utf8", stdio: "pipe" } as const;
    return { commit: execFileSync("git", ["rev-parse", "HEAD"], git).trim() };
  } catch {
    return {};
  }
}

/** Runs one verb: JSON in, JSON out. */
export async function engineCommand(verb: string): Promise<void> {
  const run = engineVerbs[verb.replaceAll("-", "_")];
  if (run === undefined) {
    throw new UserError(
      `The lab's engine has no command ${verb}.`,
      `Use one of: ${Object.keys(engineVerbs).join(", ")}.`,
    );
  }
  const text = process.stdin.isTTY ? "" : readFileSync(0, "utf8");
  const answer = await run(JSON.parse(text === "" ? "{}" : text) as Told);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
