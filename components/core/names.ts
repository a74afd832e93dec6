import { UserError } from "@mcp-fleet/errors";

const dnsLabel = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Returns `name` if it is valid for a Service and for every other object derived from it.
 *
 * @throws UserError naming `where` when it cannot.
 */
export function requireServiceName(name: string, where: string): string {
  if (dnsLabel.test(name)) return name;
  throw new UserError(
    `${where}: "${name}" cannot be a Service name.`,
    "Use 1 to 63 lower-case letters, digits and dashes, starting with a letter and ending with a letter or digit.",
  );
}

/**
 * The URL of a Service within the cluster, path included.
 * @param tls whether the server behind it uses TLS
 */
export function serviceUrl(
  service: string,
  namespace: string,
  port: number,
  path: string,
  tls = false,
): string {
  return `${tls ? "https" : "http"}://${service}.${namespace}.svc.cluster.local:${port}${path}`;
}
