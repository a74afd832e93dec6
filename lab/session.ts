import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";

import type { PulumiStack } from "@mcp-fleet/engine";
import { type Done, type Preview } from "@mcp-fleet/engine";
import type { StackConfig } from "@mcp-fleet/operations";

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
import { findEngine, forgetStacks, type Installation, openStack } from "./engine";
import { ensureImages } from "./images";
import { type Kube, openKube } from "./kube";
import type { Log } from "./log";
import { paths } from "./paths";
import type { StudioView } from "./report";

/** Seconds the lab's own Deployments may take to become available. */
const companionSeconds = 180;

/** A running lab: what a run of the program needs, and access to what it did. */
export interface Lab {
  readonly cluster: Cluster;
  readonly kube: Kube;
  readonly database: Database;
  readonly engine: Installation;
  readonly stack: PulumiStack;
  readonly facts: LabFacts;
  /** Whether the program has not run on this cluster yet. */
  readonly fresh: boolean;
  /** Runs the program to its end. */
  up(target: LabTarget, overrides?: ConfigOverrides): Promise<Done>;
  /** What `up` would change; nothing is written but the stack's file. */
  preview(target: LabTarget, overrides?: ConfigOverrides): Promise<Preview>;
  /** The rows in a form that is safe to show. */
  rows(): Promise<readonly DisplayRow[]>;
  /** What Studio reports about its own connections. */
  studio(): Promise<StudioView>;
}

/** Starts whatever part of the lab is missing. The first line says which engine runs the program. */
export async function openLab(request: Omit<DatabaseRequest, "listen">, log: Log): Promise<Lab> {
  const [engine, [cluster, [images, database]]] = await together(
    () => foundEngine(log),
    async () => {
      const made = await ensureCluster(log);
      // Images wait for downloads while the engine is being compiled.
      const rest = await together(
        () => ensureImages(made, log),
        () => ensureDatabase({ ...request, listen: made.nodeIp }, log),
      );
      return [made, rest] as const;
    },
  );
  const kube = await openKube(cluster);
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
    serverSecrets: secretsOf({}),
  };
  const fresh = await forgetOtherCluster(kube);
  const stack = await openStack(engine, { kubeconfig: cluster.kubeconfig });
  const configure = async (target: LabTarget, overrides?: ConfigOverrides): Promise<void> => {
    const serverSecrets = secretsOf(await stack.config());
    await stack.configure(labConfig({ ...facts, serverSecrets }, target, overrides));
  };
  return {
    ...{ cluster, kube, database, engine, stack, facts, fresh },
    async up(target, overrides) {
      await configure(target, overrides);
      // On a terminal the engine draws its own display.
      const show = log.interactive ? "display" : "lines";
      return stack.up({ show, onLine: (line) => log.info(line) });
    },
    async preview(target, overrides) {
      await configure(target, overrides);
      return stack.preview();
    },
    rows: async () => displayRows(await rowsSnapshot(database.url)),
    studio: async () =>
      (await kube.getService(labNamespace, "llmctl-studio", 8080, "/servers")) as StudioView,
  };
}

/** Memory for two concurrent builds of Go programs and the rest of a machine, in bytes. */
const memoryForTwo = 12 * 1024 ** 3;

/** Runs two tasks concurrently if there is enough memory: either may build for minutes. */
async function together<A, B>(one: () => Promise<A>, other: () => Promise<B>): Promise<[A, B]> {
  if (totalmem() >= memoryForTwo) return Promise.all([one(), other()]);
  const first = await one();
  return [first, await other()];
}

async function foundEngine(log: Log): Promise<Installation> {
  const engine = await findEngine(log);
  log.title(`Engine: Pulumi ${engine.version} (${engine.from})`);
  return engine;
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
 * The state of a cluster that is gone is useless, so it is removed.
 *
 * @returns whether the program has not run on this cluster yet.
 */
async function forgetOtherCluster(kube: Kube): Promise<boolean> {
  const { metadata } = await kube.core.readNamespace({ name: "kube-system" });
  const file = join(paths.engine, "cluster");
  const known = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (known === metadata?.uid) return !existsSync(join(paths.engine, "ran"));
  forgetStacks();
  mkdirSync(paths.engine, { recursive: true, mode: 0o700 });
  writeFileSync(file, metadata?.uid ?? "");
  return true;
}

/** Remembers that the program has run on this cluster. */
export function markRun(): void {
  writeFileSync(join(paths.engine, "ran"), "");
}

/** The credentials in the legacy rows as the servers' Secrets need them, and those set later. */
function secretsOf(now: StackConfig): Record<string, Record<string, string>> {
  const { "llmctl-mcp": _stdioOnly, ...legacy } = legacyEnvironments();
  const set = (now["mcp-fleet:serverSecrets"]?.value ?? {}) as typeof legacy;
  const keys = [...new Set([...Object.keys(legacy), ...Object.keys(set)])];
  return Object.fromEntries(keys.map((key) => [key, { ...legacy[key], ...set[key] }]));
}
