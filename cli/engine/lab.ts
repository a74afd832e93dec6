import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import type { CutoverResources, StackConfig, Update } from "@mcp-fleet/operations";

import { exitCodes } from "../exit-codes";
import { PulumiEngine } from "./pulumi";
import { cutoverResources, type StateResource } from "./resources";
import { call } from "./run";
import type { Engine, Preview, SecretSetting } from "./types";

/** What `lab engine describe` answers. */
type LabDescription =
  | { readonly kind: "runner" }
  | {
      readonly kind: "pulumi";
      readonly command: string;
      readonly directory: string;
      readonly stack: string;
      readonly env: Readonly<Record<string, string>>;
    };

const askSeconds = 300;
const runSeconds = 1800;

/** The lab on this machine, asked through its own command. With the Pulumi CLI in the lab, that is what is used. */
export async function openLabEngine(root: string): Promise<Engine> {
  const main = resolve(root, "dist", "lab", "main.js");
  if (!existsSync(main)) {
    throw new UserError(
      "The lab is not a part of this installation.",
      "Use --lab in a checkout of mcp-fleet, after npm run build.",
      { exitCode: exitCodes.usage },
    );
  }
  const lab = new LabProcess(root, main);
  const description = await lab.ask<LabDescription>("describe");
  return description.kind === "pulumi" ? new PulumiEngine(description) : new LabEngine(lab);
}

class LabProcess {
  constructor(
    private readonly root: string,
    private readonly main: string,
  ) {}

  /** Runs one of the lab's `engine` commands; what it is told goes through standard input, as it may be secret. */
  async ask<T>(verb: string, told: unknown = {}, show = false): Promise<T> {
    const done = await call({
      command: process.execPath,
      args: [this.main, "engine", verb],
      cwd: this.root,
      input: JSON.stringify(told),
      timeoutSeconds: show ? runSeconds : askSeconds,
      show: show ? "stderr" : "nothing",
    });
    if (done.code === 0) return JSON.parse(done.stdout) as T;
    if (show) {
      throw new UserError(
        "The update failed; what it said is above.",
        "Mend the cause, then run it again: what was done is kept in the state.",
      );
    }
    const lines = done.stderr
      .trim()
      .split("\n")
      .filter((line) => line.trim() !== "");
    throw new UserError(
      lines.at(-2) ?? "The lab's command failed.",
      lines.at(-1) ?? "Run make status.",
    );
  }
}

class LabEngine implements Engine {
  readonly name = "lab runner";

  constructor(private readonly lab: LabProcess) {}

  async resources(): Promise<CutoverResources> {
    const state = await this.lab.ask<{
      resources: StateResource[];
      outputs: Record<string, unknown>;
    }>("state");
    return cutoverResources(state.resources, state.outputs);
  }

  async preview(config?: StackConfig): Promise<Preview> {
    const { resources, outputs, changes } = await this.lab.ask<{
      resources: StateResource[];
      outputs: Record<string, unknown>;
      changes: Record<string, number>;
    }>("preview", config === undefined ? {} : { config });
    return { resources: cutoverResources(resources, outputs), changes };
  }

  history(): Promise<readonly Update[]> {
    return this.lab.ask("history");
  }

  async config(): Promise<StackConfig> {
    return (await this.history()).at(-1)?.config ?? {};
  }

  async commit(): Promise<string | undefined> {
    return (await this.lab.ask<{ commit?: string }>("commit")).commit;
  }

  async update(config: StackConfig): Promise<void> {
    await this.lab.ask("update", { config }, true);
  }

  async setSecrets(settings: readonly SecretSetting[]): Promise<void> {
    await this.lab.ask("set-secrets", { settings });
  }

  commandsTo({ commit, version }: Update): string[] {
    return [
      `git checkout ${commit ?? `<the commit of update ${version}>`}`,
      "npm ci && npm run build",
      `mcp-fleet rollback --lab --to ${version}`,
    ];
  }
}
