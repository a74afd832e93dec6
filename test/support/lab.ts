import { createHash } from "node:crypto";
import { rmSync } from "node:fs";

import { isUserError } from "@mcp-fleet/errors";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { labNamespace } from "../../lab/companions";
import { stopDatabase } from "../../lab/database";
import { rowsSnapshot } from "../../lab/database/snapshot";
import { openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import type { StudioView } from "../../lab/report";
import { type Lab, openLab } from "../../lab/session";

/** How long a namespace may take to be deleted with all its pods, in minutes. */
const removalMinutes = 3;

/**
 * The lab before the cutover: an empty namespace, the legacy rows, no state, and Studio with its bundled
 * servers. Leftovers of earlier tests are removed.
 */
export async function installationBefore(schema: "jsonb" | "text"): Promise<Lab> {
  await removeInstallation();
  const lab = await openLab({ schema }, consoleLog());
  await lab.up("embedded", { servers: {}, serverSecrets: {} });
  await studioConnected(lab, "embedded");
  return lab;
}

/** Removes namespace, database and state: for a test that leaves rows which the next one does not expect. */
export async function removeInstallation(): Promise<void> {
  untouched = undefined;
  const cluster = await ensureCluster(consoleLog());
  await removeNamespace(cluster, labNamespace);
  await stopDatabase();
  rmSync(paths.engine, { recursive: true, force: true });
}

let untouched: Promise<Lab> | undefined;

/** Shared by all tests that leave rows, Studio and ledger unchanged: a refused run, a preview. Servers may remain. */
export function untouchedInstallation(): Promise<Lab> {
  return (untouched ??= installationBefore("jsonb"));
}

/** Removes a namespace, if it is there, and waits until it is gone. */
export async function removeNamespace(cluster: Cluster, namespace: string): Promise<void> {
  const { core } = await openKube(cluster);
  const listed = async (): Promise<boolean> =>
    (await core.listNamespace()).items.some((item) => item.metadata?.name === namespace);
  if (!(await listed())) return;
  await core.deleteNamespace({ name: namespace });
  const deadline = Date.now() + removalMinutes * 60_000;
  while (await listed()) {
    if (Date.now() > deadline) throw new Error(`namespace ${namespace} does not go away`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Waits until Studio runs in this mode and is connected to all five servers. */
export async function studioConnected(lab: Lab, mode: string): Promise<StudioView> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const view = await lab.studio().catch(() => undefined);
    const connected = view?.servers.filter((server) => server.connected).length ?? 0;
    if (view?.mode === mode && connected === 5) return view;
    if (Date.now() > deadline) {
      throw new Error(`Studio is not connected in mode ${mode}: ${JSON.stringify(view)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Where a client on this machine reaches Studio's Service, without a slash at the end. */
export async function studioUrl(lab: Lab): Promise<string> {
  const service = await lab.kube.core.readNamespacedService({
    name: "llmctl-studio",
    namespace: labNamespace,
  });
  return `http://${service.spec?.clusterIP}:8080`;
}

/** Everything that a cutover may change, as one text. Compared as a hash, because it contains credentials. */
export async function everything(lab: Lab): Promise<string> {
  return hash(JSON.stringify(await rowsSnapshot(lab.database.url)));
}

/** The same without `updated_at`, which the application writes itself. */
export async function everythingOfUsers(lab: Lab): Promise<string> {
  const { servers, ...rest } = await rowsSnapshot(lab.database.url);
  const rows = servers.map((row) => ({ ...row, updated_at: null }));
  return hash(JSON.stringify({ servers: rows, ...rest }));
}

/**
 * Names of Studio's own pods with a running process. Probe Jobs have Studio's public labels, but not this one; a
 * pod that ended is listed for a moment longer.
 */
export async function studioPods(lab: Lab): Promise<string[]> {
  const found = await lab.kube.core.listNamespacedPod({
    namespace: labNamespace,
    labelSelector: "mcp-fleet.dev/workload=studio",
  });
  const running = found.items.filter(
    ({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed",
  );
  return running.map((pod) => pod.metadata?.name ?? "").sort();
}

/** Pods of servers and of Studio that must not be replaced, each with its number of restarts. */
export async function lastingPods(lab: Lab): Promise<ReadonlySet<string>> {
  const { items } = await lab.kube.core.listNamespacedPod({ namespace: labNamespace });
  const lasting = items.filter(
    ({ metadata }) =>
      metadata?.ownerReferences?.[0]?.kind === "ReplicaSet" &&
      metadata.deletionTimestamp === undefined,
  );
  return new Set(
    lasting.map(({ metadata, status }) => {
      const restarts = status?.containerStatuses?.map((one) => one.restartCount).join(",");
      return `${metadata?.name} ${restarts}`;
    }),
  );
}

/** The two sentences a failed run shows. Anything but a user error fails the test. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isUserError(error)) return `${error.problem}\n${error.fix}`;
    throw error;
  }
  throw new Error("the run was to be refused and was not");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
