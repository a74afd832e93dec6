import { nameLabel, workloadLabel } from "@mcp-fleet/kube";

import { labNamespace } from "../lab/companions";
import { labServers } from "../lab/config";
import { underLoad } from "../lab/load";
import type { Lab } from "../lab/session";
import { installationBefore, studioConnected, studioUrl } from "../test/support/lab";
import { secondTag } from "../test/support/second-tag";
import { describeMachine, record, say } from "./results";

const perSecond = 100;
/** A server that keeps no sessions, so that it may have two replicas, and answers a plain GET. */
const server = { key: "atlassian", service: "llmctl-mcp-atlassian", port: 8000, path: "/healthz" };
const serverPods = `${nameLabel}=${server.service}`;
const studioPods = `${workloadLabel}=studio`;

/**
 * Requests that are not answered with 2xx within five seconds, at 100 a second on a connection each, while something
 * happens to Studio or to a server. Needs the lab, and leaves it as it is before a cutover.
 */
export async function benchAvailability(): Promise<void> {
  const lab = await installationBefore("jsonb");
  say(describeMachine({ Pulumi: lab.engine.version }));
  const studio = `${await studioUrl(lab)}/healthz`;
  await lost("Studio, cutover", studio, () => lab.up("in-cluster"));
  await studioConnected(lab, "in-cluster");
  const own = await serverUrl(lab);
  await lost("server with one replica, another image", own, () => imageChange(lab, {}));
  await lost("server with one replica, its pod deleted", own, () => podDeleted(lab, serverPods), 1);
  await lost(
    "Studio with one replica, its pod deleted",
    studio,
    () => podDeleted(lab, studioPods),
    1,
  );

  const two = { replicas: 2 };
  await lab.up("in-cluster", withServer(lab, two));
  await lost("server with two replicas, another image", own, () => imageChange(lab, two));
  await lost("server with two replicas, a pod deleted", own, () => podDeleted(lab, serverPods));
  await lost("server with two replicas, rollback of Studio", own, () =>
    lab.up("embedded", withServer(lab, two)),
  );
  await lab.up("in-cluster", withServer(lab, two));
  await studioConnected(lab, "in-cluster");
  await lost("Studio, rollback", studio, () => lab.up("embedded", withServer(lab, two)));
  await installationBefore("jsonb");
}

/** @param goal the share of requests that may be lost */
async function lost(
  name: string,
  url: string,
  work: () => Promise<unknown>,
  goal = 0,
): Promise<void> {
  const { requests, failures, slowestMs } = await underLoad(url, work, { perSecond });
  record(`requests lost: ${name}`, "requests", goal, [{ ours: failures.length, peer: requests }]);
  const [first] = failures;
  say(`  slowest answer ${slowestMs} ms${first === undefined ? "" : `; first: ${first.error}`}`);
}

async function serverUrl({ kube }: Lab): Promise<string> {
  const { spec } = await kube.core.readNamespacedService({
    name: server.service,
    namespace: labNamespace,
  });
  return `http://${spec?.clusterIP}:${server.port}${server.path}`;
}

function withServer({ facts }: Lab, own: object): { servers: Record<string, object> } {
  const all = labServers(facts.images);
  return { servers: { ...all, [server.key]: { ...all[server.key], ...own } } };
}

/** The other of two tags of the same image. */
async function imageChange(lab: Lab, own: object): Promise<void> {
  const image = await secondTag(lab.cluster, lab.facts.images[server.key] ?? "");
  if (image === undefined) throw new Error("a cluster that was given has images of its own");
  await lab.up("in-cluster", withServer(lab, { ...own, image }));
}

/** As when a node is drained: one pod is deleted, and its Deployment makes another. */
async function podDeleted({ kube }: Lab, labelSelector: string): Promise<void> {
  const pods = await kube.core.listNamespacedPod({ namespace: labNamespace, labelSelector });
  const [pod] = pods.items.filter(({ status }) => status?.phase === "Running");
  const name = pod?.metadata?.name ?? "";
  await kube.core.deleteNamespacedPod({ name, namespace: labNamespace });
  const isThere = async (): Promise<boolean> =>
    (await kube.core.listNamespacedPod({ namespace: labNamespace, labelSelector })).items.some(
      ({ metadata }) => metadata?.name === name,
    );
  while (await isThere()) await new Promise((resolve) => setTimeout(resolve, 200));
  const deployment = pod?.metadata?.labels?.[nameLabel] ?? "";
  await kube.waitForDeployment(labNamespace, deployment, 180);
}
