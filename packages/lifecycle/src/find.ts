import type * as k8s from "@kubernetes/client-node";
import { nearest } from "@mcp-fleet/errors";
import { ApiError, asking, isServer, type Kube, serverName, serverSelector } from "@mcp-fleet/kube";

import { servicesByDeployment } from "./endpoints";
import { InvalidError, NotFoundError } from "./errors";
import { serversIn, servicesIn } from "./page";
import { checkName } from "./validate";

/**
 * The Deployment of a server by any of its names: its own, the server's key in the stack, or that of a Service that leads
 * to it. A name that is a Deployment's and another server's key is nobody's, since the wrong one might be stopped. An account
 * that may not list finds servers by their Deployments alone.
 * @throws {InvalidError} for an impossible name, and for one of several servers
 * @throws {NotFoundError} when there is none, or none with the label; it suggests a name that is near
 */
export async function readServer(
  kube: Kube,
  namespace: string,
  name: string,
): Promise<k8s.V1Deployment> {
  checkName(name);
  const own = await readDeployment(kube, namespace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  });
  const isOwn = own !== undefined && isServer(own);
  if (isOwn && serverName(own) === name) return own;
  if (isOwn) {
    const others = (await ifAllowed(serversIn(kube, namespace))).filter(
      (one) => serverName(one) === name && one.metadata?.name !== name,
    );
    if (others.length > 0) throw ambiguous(namespace, name, [own, ...others]);
    return own;
  }
  const [deployments, services] = await Promise.all([
    serversIn(kube, namespace),
    ifAllowed(servicesIn(kube, namespace)),
  ]);
  const byDeployment = servicesByDeployment(deployments, services);
  const servicesOf = ({ metadata }: k8s.V1Deployment): string[] =>
    (byDeployment.get(metadata?.name ?? "") ?? []).map((one) => one.metadata?.name ?? "");
  const byKey = deployments.filter((one) => serverName(one) === name);
  const found =
    byKey.length > 0 ? byKey : deployments.filter((one) => servicesOf(one).includes(name));
  if (found.length > 1) throw ambiguous(namespace, name, found);
  const [one] = found;
  // The list's times are text; whoever asked gets what a read answers.
  if (one !== undefined) return readDeployment(kube, namespace, one.metadata?.name ?? "");
  if (own !== undefined) throw noServer(namespace, name);
  const known = deployments.flatMap((each) => [
    serverName(each),
    each.metadata?.name ?? "",
    ...servicesOf(each),
  ]);
  throw unknown(namespace, name, [...new Set(known)]);
}

function readDeployment(kube: Kube, namespace: string, name: string): Promise<k8s.V1Deployment> {
  return asking(kube, `read Deployment ${namespace}/${name}`, () =>
    kube.apps.readNamespacedDeployment({ namespace, name }),
  );
}

/** What was asked; nothing where the account may not ask. */
export async function ifAllowed<T>(asked: Promise<T[]>): Promise<T[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

function ambiguous(
  namespace: string,
  name: string,
  found: readonly k8s.V1Deployment[],
): InvalidError {
  const names = found.map((one) => {
    const own = one.metadata?.name ?? "";
    return own === name ? serverName(one) : own;
  });
  return new InvalidError(
    `${JSON.stringify(name)} is a name of several servers in namespace ${namespace}.`,
    `Say which one: ${names.join(" or ")}.`,
  );
}

function noServer(namespace: string, name: string): NotFoundError {
  return new NotFoundError(
    `Deployment ${namespace}/${name} is no MCP server: it lacks the label ${serverSelector}.`,
    `See the servers with: mcp-fleet list -n ${namespace}; or add the label if it is one.`,
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
