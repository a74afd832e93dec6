import { nearest } from "@mcp-fleet/errors";
import {
  ifAllowed,
  isServer,
  type Kube,
  readWorkload,
  referenceOf,
  refOf,
  serverDeployments,
  serverName,
  serverSelector,
  serverStatefulSets,
  servicesByWorkload,
  servicesIn,
  type Workload,
  type WorkloadKind,
  workloadText,
} from "@mcp-fleet/kube";

import { InvalidError, NotFoundError } from "./errors";
import { checkName } from "./validate";

const kinds: Readonly<Record<string, WorkloadKind>> = {
  deployment: "Deployment",
  deploy: "Deployment",
  statefulset: "StatefulSet",
  sts: "StatefulSet",
};

/**
 * The Deployment or StatefulSet of a server by any of its names: its own, also as kubectl writes it (`statefulset/weather`),
 * the server's key in the stack, or that of a Service that leads to it. A name that is one server's
 * workload and another server's key is refused, since the wrong one might be stopped. An account that may not list finds servers by their workloads alone.
 * @throws {InvalidError} for an impossible name, and for one of several servers
 * @throws {NotFoundError} when there is none, or none with the label; it suggests a name that is near
 */
export async function readServer(kube: Kube, namespace: string, given: string): Promise<Workload> {
  const { kind, name } = parsed(given);
  checkName(name);
  const wanted: WorkloadKind[] = kind === undefined ? ["Deployment", "StatefulSet"] : [kind];
  const read = await Promise.all(
    wanted.map((one) => readWorkload(kube, { kind: one, namespace, name })),
  );
  const own = read.filter((one) => one !== undefined);
  const servers = own.filter(isServer);
  const [first] = servers;
  if (servers.length > 1) throw ambiguous(namespace, name, servers);
  if (first !== undefined) {
    if (kind !== undefined || serverName(first) === name) return first;
    const others = (await ifAllowed(allServers(kube, namespace))).filter(
      (one) => serverName(one) === name && one.metadata?.name !== name,
    );
    if (others.length > 0) throw ambiguous(namespace, name, [first, ...others]);
    return first;
  }
  const [workloads, services] = await Promise.all([
    allServers(kube, namespace),
    ifAllowed(servicesIn(kube, namespace)),
  ]);
  const leading = servicesByWorkload(workloads, services);
  const servicesOf = (workload: Workload): string[] =>
    (leading.get(workload) ?? []).map((one) => one.metadata?.name ?? "");
  const byKey = workloads.filter((one) => serverName(one) === name);
  const found =
    byKey.length > 0 ? byKey : workloads.filter((one) => servicesOf(one).includes(name));
  const asked = kind === undefined ? found : [];
  if (asked.length > 1) throw ambiguous(namespace, name, asked);
  const [one] = asked;
  // The list's times are text; whoever asked gets what a read answers.
  const again = one === undefined ? undefined : await readWorkload(kube, refOf(one, namespace));
  if (again !== undefined) return again;
  const [unlabelled] = own;
  if (unlabelled !== undefined) throw noServer(unlabelled);
  const known = workloads.flatMap((each) => [
    serverName(each),
    each.metadata?.name ?? "",
    ...servicesOf(each),
  ]);
  throw unknown(namespace, given, [...new Set(known)]);
}

function parsed(given: string): { kind?: WorkloadKind; name: string } {
  const [, prefix = "", name = given] = /^([a-z]+)\/(.*)$/.exec(given) ?? [];
  const kind = kinds[prefix];
  return kind === undefined ? { name: given } : { kind, name };
}

async function allServers(kube: Kube, namespace: string): Promise<Workload[]> {
  const both = await Promise.all([
    serverDeployments(kube, namespace),
    ifAllowed(serverStatefulSets(kube, namespace)),
  ]);
  return both.flat();
}

function ambiguous(namespace: string, name: string, found: readonly Workload[]): InvalidError {
  const own = found.map(({ metadata }) => metadata?.name ?? "");
  const twice = new Set(own).size < own.length;
  const names = found.map((one, index) => {
    if (twice) return referenceOf(one);
    return own[index] === name ? serverName(one) : (own[index] ?? "");
  });
  return new InvalidError(
    `${JSON.stringify(name)} is a name of several servers in namespace ${namespace}.`,
    `Say which one: ${names.join(" or ")}.`,
  );
}

function noServer(workload: Workload): NotFoundError {
  const { namespace } = workload.metadata ?? {};
  return new NotFoundError(
    `${workloadText(workload)} is no MCP server: it lacks the label ${serverSelector}.`,
    `See the servers with: mcp-fleet list -n ${namespace}; or add the label if it is one: kubectl label ${referenceOf(workload)} -n ${namespace} ${serverSelector}`,
  );
}

function unknown(namespace: string, name: string, known: readonly string[]): NotFoundError {
  const near = known.find((one) => one.includes(name)) ?? nearest(name, known);
  const see = `See them with: mcp-fleet list -n ${namespace}`;
  return new NotFoundError(
    `There is no server ${JSON.stringify(name)} in namespace ${namespace}.`,
    near === undefined ? see : `Did you mean ${JSON.stringify(near)}? ${see}`,
  );
}
