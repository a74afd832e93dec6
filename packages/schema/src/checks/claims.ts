import { configPath } from "../paths";
import type { Problem } from "../problems";
import { claimTemplates, workloadKind } from "../rollout";
import type { ServerSettings } from "../server";

/** A StatefulSet's name with a dash and ten characters is the label of its pods, which holds 63. */
const longestName = 52;

/**
 * What does not go together in a server with claims of its own; paths are those of the server's keys.
 *
 * @param name that of its StatefulSet
 */
export function claimProblems(own: ServerSettings, name: string): Problem[] {
  const problems = otherTransform(own, own.transform);
  if (workloadKind(own) === "Deployment") return problems;
  if (name.length > longestName) {
    problems.push({
      path: "name",
      problem: `"${name}" is too long for a server with a claimTemplate: its pods would have no valid label.`,
      fix: `Set it to ${longestName} characters at most.`,
    });
  }
  if (own.strategy !== undefined) {
    problems.push({
      path: "strategy",
      problem:
        "means nothing for a server with a claimTemplate: each pod is replaced in its place, one after the other.",
      fix: "Remove it.",
    });
  }
  return [...problems, ...unmounted(own)];
}

/** The transform that the server's kind of workload does not have would change nothing. */
export function otherTransform(
  own: Pick<ServerSettings, "volumes">,
  transform: { readonly deployment?: unknown; readonly statefulSet?: unknown } | undefined,
): Problem[] {
  const kind = workloadKind(own);
  const [used, unused] =
    kind === "Deployment"
      ? (["deployment", "statefulSet"] as const)
      : (["statefulSet", "deployment"] as const);
  if (transform?.[unused] === undefined) return [];
  return [
    {
      path: `transform.${unused}`,
      problem: `changes nothing: the server is a ${kind}, ${kind === "Deployment" ? "since no volume has" : "since a volume has"} a claimTemplate.`,
      fix: `Set transform.${used} instead, or remove it.`,
    },
  ];
}

/** Storage that is asked for, and that no container has. */
function unmounted(own: ServerSettings): Problem[] {
  const others = [...own.sidecars, ...own.initContainers];
  return claimTemplates(own)
    .filter(
      ([name]) =>
        own.volumes[name]?.mount === undefined &&
        !others.some(({ mounts }) => Object.hasOwn(mounts, name)),
    )
    .map(([name]) => ({
      path: configPath(["volumes", name, "mount"]),
      problem: "is missing, and no other container mounts the volume: nothing would be kept on it.",
      fix: "Set it to the directory that the server writes to.",
    }));
}

/** A claim's name is its volume's and its server's: data of tools-mcp is data-tools of mcp. */
export function claimsTwice(
  servers: readonly (Pick<ServerSettings, "volumes"> & {
    readonly key: string;
    readonly name: string;
  })[],
): Problem[] {
  const seen = new Map<string, string>();
  return servers.flatMap((server) =>
    claimTemplates(server).flatMap(([volume]) => {
      const path = configPath(["servers", server.key, "volumes", volume]);
      const claims = `${volume}-${server.name}`;
      const other = seen.get(claims);
      seen.set(claims, path);
      if (other === undefined) return [];
      const problem = `has claims of the name ${claims}-0, as ${other} has.`;
      return [{ path, problem, fix: "Give one of the two volumes another name." }];
    }),
  );
}
