import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Cluster, ensureCluster } from "./cluster";
import { chromaName, companionObjects, labNamespace } from "./companions";
import { type ConfigOverrides, labConfig, type LabFacts, type LabTarget } from "./config";
import { type Database, type DatabaseRequest, ensureDatabase } from "./database";
import { legacyEnvironments } from "./database/schema";
import {
  databaseServiceName,
  databaseServiceObjects,
  databaseServicePort,
} from "./database/service";
import { type DisplayRow, displayRows, rowsSnapshot } from "./database/snapshot";
import { chooseEngine, type Engine, type EngineRequest, type StackOutputs } from "./engine";
import { ensureImages } from "./images";
import { type Kube, openKube } from "./kube";
import type { Log } from "./log";
import { paths } from "./paths";
import type { StudioView } from "./report";
import type { RunnerConfig, RunResult } from "./runner/runner";

/** Seconds the lab's own Deployments may take to become available. */
const companionSeconds = 180;

/** A running lab: everything a run of the program needs, and what it can be looked at with. */
export interface Lab {
  readonly cluster: Cluster;
  readonly kube: Kube;
  readonly database: Database;
  readonly engine: Engine;
  readonly facts: LabFacts;
  /** Whether the program has not run on this cluster yet. */
  readonly fresh: boolean;
  /** The outputs of the last successful run. */
  outputs(): Promise<StackOutputs>;
  /** Runs the program to its end. */
  up(target: LabTarget, overrides?: ConfigOverrides): Promise<RunResult>;
  /** What `up` would change; nothing is written. */
  preview(target: LabTarget, overrides?: ConfigOverrides): Promise<RunResult>;
  /** The rows as people may see them. */
  rows(): Promise<readonly DisplayRow[]>;
  /** What Studio says of its own connections. */
  studio(): Promise<StudioView>;
}

/** The stack of the lab. Its configuration is made here and never written beside the program's own. */
export const stack = "lab";

/** Brings up whatever part of the lab is not there yet. The first line says which engine runs the program. */
export async function openLab(request: Omit<DatabaseRequest, "listen">, log: Log): Promise<Lab> {
  const engine = await chooseEngine(paths.projectDir);
  log.title(`Engine: ${engine.name}${engine.reason === undefined ? "" : ` (${engine.reason})`}`);
  const cluster = await ensureCluster(log);
  const images = await ensureImages(cluster, log);
  const database = await ensureDatabase({ ...request, listen: cluster.nodeIp }, log);
  const kube = openKube(cluster.kubeconfig, cluster.context);
  await log.step(
    "Applying what surrounds the application: namespace, Chroma, database Service",
    () => applyCompanions(kube, cluster, database, images["chroma-server"]),
  );
  const facts: LabFacts = {
    images,
    databaseUrl: database.cutoverUrl,
    studioDatabaseUrl: database.inClusterUrl(databaseServiceName, databaseServicePort),
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    serverSecrets: serverSecrets(),
  };
  const fresh = await forgetOtherCluster(kube);
  const withConfig = (config: RunnerConfig): EngineRequest => ({
    ...{ config, stack, log, projectDir: paths.projectDir, project: "mcp-fleet" },
    kubeconfig: cluster.kubeconfig,
    runDir: paths.engine,
    statePassphrase: passphrase(),
  });
  return {
    ...{ cluster, kube, database, engine, facts, fresh },
    outputs: () => engine.outputs(withConfig({})),
    up: (target, overrides) => engine.up(withConfig(labConfig(facts, target, overrides))),
    preview: (target, overrides) => engine.preview(withConfig(labConfig(facts, target, overrides))),
    rows: async () => displayRows(await rowsSnapshot(database.url)),
    studio: async () =>
      (await kube.getService(labNamespace, "llmctl-studio", 8080, "/servers")) as StudioView,
  };
}

async function applyCompanions(
  kube: Kube,
  cluster: Cluster,
  database: Database,
  chromaImage: string,
): Promise<void> {
  await kube.apply([
    ...companionObjects(chromaImage),
    ...databaseServiceObjects({
      namespace: labNamespace,
      address: cluster.nodeIp,
      port: database.port,
    }),
  ]);
  await kube.waitForDeployment(labNamespace, chromaName, companionSeconds);
}

/**
 * A state made on a cluster that is gone says nothing of this one: it is removed.
 *
 * @returns whether the program has not run on this cluster yet.
 */
async function forgetOtherCluster(kube: Kube): Promise<boolean> {
  const { metadata } = await kube.core.readNamespace({ name: "kube-system" });
  const file = join(paths.engine, "cluster");
  const known = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (known === metadata?.uid) return !existsSync(join(paths.engine, "ran"));
  rmSync(paths.engine, { recursive: true, force: true });
  mkdirSync(paths.engine, { recursive: true, mode: 0o700 });
  writeFileSync(file, metadata?.uid ?? "");
  return true;
}

/** Remembers that the program has run on this cluster. */
export function markRun(): void {
  writeFileSync(join(paths.engine, "ran"), "");
}

/** Encrypts the secrets in the lab's state. Made once for each lab. */
export function passphrase(): string {
  const file = join(paths.engine, "passphrase");
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

/** The credentials the legacy rows carry, as the servers' Secrets are to hold them, and what was set since. */
function serverSecrets(): Record<string, Record<string, string>> {
  const { "llmctl-mcp": _stdioOnly, ...secrets } = legacyEnvironments();
  const kept = keptSecrets();
  const keys = [...new Set([...Object.keys(secrets), ...Object.keys(kept)])];
  return Object.fromEntries(keys.map((key) => [key, { ...secrets[key], ...kept[key] }]));
}

const secretsFile = join(paths.engine, "server-secrets.json");

function keptSecrets(): Record<string, Record<string, string>> {
  if (!existsSync(secretsFile)) return {};
  return JSON.parse(readFileSync(secretsFile, "utf8")) as Record<string, Record<string, string>>;
}

/** Keeps values of `mcp-fleet:serverSecrets` for the runs to come, where only this user may read them. */
export function keepSecrets(
  settings: readonly { readonly path: readonly string[]; readonly value: string }[],
): void {
  const kept = keptSecrets();
  for (const { path, value } of settings) {
    const [, server = "", name = ""] = path;
    kept[server] = { ...kept[server], [name]: value };
  }
  writeFileSync(secretsFile, JSON.stringify(kept), { mode: 0o600 });
}
