import { ownValue } from "../own";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import type { StackSettings } from "../stack";
import type { Authority } from "../tls";
import { ours } from "./studio";

/** Sources whose servers are started here, without a certificate. */
const plain: Partial<Readonly<Record<ServerSettings["source"], string>>> = {
  bridge: "the bridge serves plain HTTP",
  code: "its code is served by plain HTTP",
};

/** A server with `tls` that cannot serve TLS by itself. */
export function tlsProblems(
  key: string,
  { tls, source, health }: Pick<ServerSettings, "tls" | "source" | "health">,
): Problem[] {
  const why = plain[source];
  if (tls === undefined) return [];
  if (why !== undefined) {
    return [
      {
        path: `servers.${key}.tls`,
        problem: `has no effect on a server of source "${source}": ${why}.`,
        fix: 'Remove it, or set source to "image" with a command that serves TLS.',
      },
    ];
  }
  const clear = typeof health === "object" && "path" in health && health.https === false;
  // One port serves either HTTP or HTTPS, and the kubelet asks the port that serves MCP.
  return clear
    ? [
        {
          path: `servers.${key}.health.https`,
          problem: "is false, and the port that is asked serves TLS (tls).",
          fix: "Remove it, or remove tls.",
        },
      ]
    : [];
}

/** The authority that Studio trusts according to the stack; undefined for none. */
export function trustedAuthority(
  { studio, target }: Pick<StackSettings, "studio" | "target">,
  servers: readonly Pick<ServerSettings, "tls" | "row">[],
): Authority | undefined {
  if (!studio.enabled || studio.trust === false || target !== "in-cluster") return undefined;
  return studio.trust.ca ?? authoritiesOf(servers)[0];
}

/** Studio can be given one file only. With several authorities the stack must name a bundle. */
export function trustProblems(
  { studio }: Pick<StackSettings, "studio">,
  servers: readonly Pick<ServerSettings, "tls" | "row">[],
): Problem[] {
  if (!studio.enabled || studio.trust === false) return [];
  const { variables, ca } = studio.trust;
  const taken = variables.flatMap((name, index): Problem[] => {
    const value = ownValue(ours, name);
    if (value === undefined) return [];
    const problem = `is ${name}, which is set by the program, to ${value}.`;
    return [{ path: `studio.trust.variables[${index}]`, problem, fix: "Remove it." }];
  });
  const named = authoritiesOf(servers);
  if (ca !== undefined || named.length < 2) return taken;
  const names = named.map((one) =>
    "secret" in one ? `Secret ${one.secret}, ${one.key}` : `ConfigMap ${one.configMap}, ${one.key}`,
  );
  return [
    ...taken,
    {
      path: "studio.trust.ca",
      problem: `is missing: the servers have several authorities (${names.join("; ")}), and one file can be named to Studio.`,
      fix: "Set it to a ConfigMap whose key holds the certificates of all of them, or set studio.trust to false.",
    },
  ];
}

/** The authorities of servers that have a row, without duplicates. */
function authoritiesOf(servers: readonly Pick<ServerSettings, "tls" | "row">[]): Authority[] {
  const all = servers.flatMap(({ tls, row }) =>
    row === false || tls?.ca === undefined ? [] : [tls.ca],
  );
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}
