import { mkdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { execa } from "execa";

import type { RunResult } from "../runner/types";
import { type SecretSetting, secretSettings, writePlainConfig, writeProject } from "./cli-config";
import { changesOf, errorsOf, readEventLog, registeredOf } from "./event-log";
import type { Engine, EngineRequest, StackOutputs } from "./types";

type Operation = "preview" | "up" | "destroy";

/** Output of the CLI that is passed on, and seconds after which it is ended. */
interface Call {
  readonly timeoutSeconds: number;
  readonly input?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The Pulumi CLI with a `file://` backend and a generated project directory under the run directory. The user's own Pulumi
 * home stays in use (the plugins are there); the user's backend, login and stack files are not touched.
 */
export function cliEngine(command: string, version: string): Engine {
  const cli = new Cli(command);
  return {
    name: `pulumi CLI ${version}`,
    command,
    preview: (request) => cli.operate("preview", request),
    up: (request) => cli.operate("up", request),
    destroy: (request) => cli.operate("destroy", request),
    outputs: (request) => cli.outputs(request),
  };
}

class Cli {
  constructor(private readonly command: string) {}

  async operate(operation: Operation, request: EngineRequest): Promise<RunResult> {
    await this.prepare(request);
    const eventLog = join(request.runDir, "pulumi-events.json");
    rmSync(eventLog, { force: true });
    const args = [
      operation,
      ...(operation === "preview" ? [] : ["--yes", "--skip-preview"]),
      ...["--non-interactive", "--color", "never", "--suppress-progress"],
      ...["--stack", request.stack, "--event-log", eventLog],
    ];
    let failure: UserError | undefined;
    try {
      await this.call(request, args, {
        timeoutSeconds: request.timeoutSeconds ?? 1800,
        onLine: (line) => request.log.info(line),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failure = error;
    }
    const events = readEventLog(eventLog);
    // It holds the inputs of every resource.
    rmSync(eventLog, { force: true });
    if (failure !== undefined) {
      const first = errorsOf(events)[0];
      throw first === undefined ? failure : asUserError(first, failure.fix);
    }
    const kept = operation === "up" ? await this.outputs(request) : noOutputs;
    return {
      ...kept,
      changes: changesOf(events, operation === "preview"),
      registered: registeredOf(events),
      warnings: [],
    };
  }

  async outputs(request: EngineRequest): Promise<StackOutputs> {
    await this.selectStack(request);
    const read = async (...more: string[]): Promise<Record<string, unknown>> => {
      const args = ["stack", "output", "--json", "--stack", request.stack, ...more];
      const text = await this.call(request, args, { timeoutSeconds: 120 });
      return JSON.parse(text) as Record<string, unknown>;
    };
    const outputs = await read("--show-secrets");
    const shown = await read();
    // A secret output, however it is nested, is one that reads differently when secrets are hidden.
    const secretOutputs = Object.keys(outputs).filter(
      (key) => JSON.stringify(outputs[key]) !== JSON.stringify(shown[key]),
    );
    return { outputs, secretOutputs };
  }

  private async prepare(request: EngineRequest): Promise<void> {
    await this.selectStack(request);
    writePlainConfig(join(projectOf(request), `Pulumi.${request.stack}.yaml`), request.config);
    for (const setting of secretSettings(request.config)) await this.setSecret(request, setting);
  }

  private async selectStack(request: EngineRequest): Promise<void> {
    mkdirSync(backend(request), { recursive: true, mode: 0o700 });
    writeProject(projectOf(request), request.projectDir);
    const args = ["stack", "select", "--create", "--stack", request.stack];
    const more = ["--secrets-provider", "passphrase", "--non-interactive"];
    await this.call(request, [...args, ...more], { timeoutSeconds: 120 });
  }

  /** The value goes through standard input, where no list of processes shows it. */
  private async setSecret(request: EngineRequest, setting: SecretSetting): Promise<void> {
    const args = ["config", "set", "--secret", setting.key];
    const where = ["--stack", request.stack];
    await this.call(
      request,
      [...args, ...(setting.path ? ["--path"] : []), ...where, "--non-interactive"],
      { timeoutSeconds: 120, input: setting.value },
    );
  }

  private async call(request: EngineRequest, args: readonly string[], call: Call): Promise<string> {
    const child = execa(this.command, args, {
      cwd: projectOf(request),
      env: environment(request),
      input: call.input ?? "",
      reject: false,
      timeout: call.timeoutSeconds * 1000,
      // As Ctrl-C does: the CLI lets the running steps end.
      killSignal: "SIGINT",
      forceKillAfterDelay: 30_000,
      ...(call.signal === undefined ? {} : { cancelSignal: call.signal }),
      ...(call.onLine === undefined ? {} : { all: true as const }),
    });
    if (call.onLine !== undefined) {
      try {
        for await (const line of child.iterable({ from: "all" })) call.onLine(line);
      } catch {
        // How it ended is looked at below.
      }
    }
    const result = await child;
    if (!result.failed) return result.stdout;
    const how = result.timedOut ? `did not end within ${call.timeoutSeconds} seconds` : "failed";
    const said = `${result.stderr}\n${result.stdout}`.trim().split("\n").slice(-8).join("\n");
    throw new UserError(
      `\`pulumi ${args.slice(0, 2).join(" ")}\` ${how}: ${said}`,
      "Correct the cause and run it again: what was done is kept in the state.",
    );
  }
}

/** The program and its provider fail with two sentences, a line each; what the engine says itself has no fix. */
function asUserError(message: string, fix: string): UserError {
  const lines = message.split("\n");
  const [problem = "", own = ""] = lines;
  return lines.length === 2 ? new UserError(problem, own) : new UserError(message, fix);
}

const noOutputs: StackOutputs = { outputs: {}, secretOutputs: [] };
const backend = (request: EngineRequest): string => join(request.runDir, "pulumi");
const projectOf = (request: EngineRequest): string => join(request.runDir, "pulumi-project");

/** Where the lab's own stack is, for a program that calls the CLI by itself. */
export function pulumiOfLab(
  runDir: string,
  passphrase: string,
): { directory: string; env: Record<string, string> } {
  return {
    directory: join(runDir, "pulumi-project"),
    env: {
      PULUMI_BACKEND_URL: `file://${join(runDir, "pulumi")}`,
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
    },
  };
}

function environment(request: EngineRequest): Record<string, string | undefined> {
  return {
    PULUMI_STACK: undefined,
    PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
    PULUMI_BACKEND_URL: `file://${backend(request)}`,
    PULUMI_CONFIG_PASSPHRASE: request.statePassphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Without it the CLI does not know `--event-log`. The SDK's Automation API sets it too.
    PULUMI_DEBUG_COMMANDS: "true",
    // The language host starts `node` from PATH, and it has to be the one that runs this.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
    ...(request.kubeconfig === undefined ? {} : { KUBECONFIG: request.kubeconfig }),
  };
}
