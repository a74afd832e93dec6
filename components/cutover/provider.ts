import type * as pulumi from "@pulumi/pulumi";

import type { Credentials, CutoverInputs, Runner, SettleInputs } from "./contract";

/* eslint-disable @typescript-eslint/no-require-imports -- a method body reaches packages by a plain require only */

/*
 * The text of these two providers is stored in Pulumi state and run from there. So: plain functions, no captured
 * Map, Date or class, no `#private` field, no import from another file, and every piece of work in a package that
 * is required by name when a method runs. README.md says what each verb means.
 */

/** Values as the engine hands them over; in a preview any of them may be the sentinel of an unknown. */
type Bag = Record<string, unknown>;

/** A provider with the stack's credentials, which `configure` puts there and which reach no state. */
interface Configured {
  databaseUrl?: string;
  kubeconfig?: string;
}

type Provider = pulumi.dynamic.ResourceProvider<Bag, Bag> & Configured;

function configure(this: Configured, req: pulumi.dynamic.ConfigureRequest): Promise<void> {
  this.databaseUrl = req.config.get("mcp-fleet:databaseUrl");
  this.kubeconfig = req.config.get("kubernetes:kubeconfig");
  return Promise.resolve();
}

/** The database role made for the cutover when there is one, else the DSN of the stack's configuration. */
function credentialsOf(configured: Configured, inputs: Bag): Credentials {
  const own = inputs.credentials as { databaseUrl?: string } | undefined;
  const databaseUrl = own?.databaseUrl ?? configured.databaseUrl;
  if (databaseUrl === undefined) {
    throw new Error(
      "mcp-fleet:databaseUrl is not set.\nSet it with: pulumi config set --secret databaseUrl postgresql://...",
    );
  }
  return configured.kubeconfig === undefined
    ? { databaseUrl }
    : { databaseUrl, kubeconfig: configured.kubeconfig };
}

/** The same for a removal, which must not fail without them. */
function credentialsIfAny(configured: Configured, inputs: Bag): Credentials | undefined {
  try {
    return credentialsOf(configured, inputs);
  } catch {
    return undefined;
  }
}

/** What state holds: the inputs, credentials of a role of our own as a secret, and what the run answered. */
function outputsOf(inputs: Bag, answer: object): Bag {
  return Object.assign({}, inputs, answer);
}

/** Whether one of `keys` differs or is not known yet. A key that older state never held does not count. */
function differs(keys: string[], olds: Bag, news: Bag): boolean {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  return keys.some((key) => {
    if (news[key] === unknown) return true;
    if (key === "__provider" && (olds[key] === undefined || news[key] === undefined)) return false;
    return olds[key] !== news[key];
  });
}

/** The values of the rows' headers. Those of secrets are in no hash, and a run is the only place to write another one. */
function headerValues(bag: Bag): string {
  const spec = bag.spec as { rows?: { headers?: unknown }[] } | undefined;
  return JSON.stringify((spec?.rows ?? []).map((row) => row.headers ?? null));
}

/** An error without a stack trace, which the engine's dynamic provider host would print. */
function withoutStack(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message), { stack: message });
}

/**
 * Moves the rows to `target`, whichever way that is. A run that finds its own result changes nothing; one that asks nobody
 * keeps what the last one found of isolation.
 */
export const cutoverProvider: Provider = {
  configure,
  async diff(_id, olds, news) {
    if (differs(["specHash", "toolsLock", "target", "toolVersion", "__provider"], olds, news))
      return { changes: true };
    // A value that is not known yet is the sentinel's text.
    if (typeof news.spec !== "object") return { changes: false };
    if (news.target === "in-cluster" && headerValues(olds) !== headerValues(news))
      return { changes: true };
    const credentials = credentialsIfAny(this, news);
    if (credentials === undefined) return { changes: false };
    // State may be older than the ledger (an import), and rows may have been written since.
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const servers = olds.servers as CutoverInputs["servers"];
    if (news.live === true) {
      const wanted = news as unknown as CutoverInputs;
      if (await runner.serversRolling(wanted, servers, credentials)) return { changes: true };
    }
    const seen = await runner.observeStep(news as unknown as CutoverInputs, credentials);
    if (!seen.reached) return { changes: news.live === true };
    const ahead = seen.generation !== undefined && seen.generation !== olds.generation;
    return { changes: seen.pending || ahead };
  },
  async create(inputs) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const answer = await runner.runCutoverStep(
      inputs as unknown as CutoverInputs,
      credentialsOf(this, inputs),
    );
    const spec = inputs.spec as { name: string };
    return { id: `cutover:${spec.name}`, outs: outputsOf(inputs, answer) };
  },
  async update(_id, olds, news) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const credentials = credentialsOf(this, news);
    const answer = await runner.runCutoverStep(news as unknown as CutoverInputs, credentials);
    const tried = olds.isolation ? { isolation: olds.isolation } : {};
    return { outs: Object.assign(tried, outputsOf(news, answer)) };
  },
  async read(id, props) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const known = props ?? {};
    try {
      const credentials = credentialsOf(this, known);
      const ledger = await runner.readLedgerStep(known as unknown as CutoverInputs, credentials);
      if (ledger === undefined) return { id, props: Object.assign({}, known, { generation: 0 }) };
      const { generation, target, planHash } = ledger;
      // Another plan than the one state knows makes the next update run.
      const specHash = planHash === known.planHash ? known.specHash : planHash;
      return { id, props: Object.assign({}, known, { generation, target, planHash, specHash }) };
    } catch (error) {
      // An empty answer would take the resource out of state; the rows are still where they were.
      throw withoutStack(error);
    }
  },
  async delete(_id, props) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    // On a destroy the application is gone by now, and after a failed rollout there may be no Settle in state.
    const said = await runner.dropFenceStep(props, credentialsIfAny(this, props));
    const spec = props.spec as { name?: string } | undefined;
    process.stdout.write(
      `${said}Cutover ${spec?.name ?? ""}: the rows, the ledger and the journal stay as they are. ` +
        "To take the rows back, set target to embedded and run an update before the resource is removed.\n",
    );
  },
};

/** Ends a generation's rollout: no old pod left, fence removed, rows asserted. */
export const settleProvider: Provider = {
  configure,
  diff(_id, olds, news) {
    const changes = differs(["generation", "toolVersion", "__provider"], olds, news);
    return Promise.resolve({ changes });
  },
  async create(inputs) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const answer = await runner.runSettleStep(
      inputs as unknown as SettleInputs,
      credentialsOf(this, inputs),
    );
    const spec = inputs.spec as { name: string };
    return { id: `settle:${spec.name}`, outs: outputsOf(inputs, answer) };
  },
  async update(_id, _olds, news) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    const credentials = credentialsOf(this, news);
    const answer = await runner.runSettleStep(news as unknown as SettleInputs, credentials);
    return { outs: outputsOf(news, answer) };
  },
  async delete(_id, props) {
    const runner = require("@mcp-fleet/components/runner") as Runner;
    process.stdout.write(await runner.dropFenceStep(props, credentialsIfAny(this, props)));
  },
};
