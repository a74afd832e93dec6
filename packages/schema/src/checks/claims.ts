import { configPath } from "../paths";
import type { Problem } from "../problems";
import { claimTemplates, workloadKind } from "../rollout";
import type { ServerSettings } from "../server";

/** The label of a StatefulSet's pods is its name, a dash and ten characters. A label holds at most 63. */
const longestName = 52;

/**
 * Conflicts in the settings of a server with claim templates. Paths are those of the server's keys.
 * @param name the StatefulSet's name
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
        "has no effect on a server with a claimTemplate: each pod is replaced in its place, one after the other.",
      fix: "Remove it.",
    });
  }
  return [...problems, ...unmounted(own)];
}

/** A transform for the other kind of workload, which would change nothing. */
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

/** Volumes that no container mounts. */
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
      problem:
        "is missing, and no other container mounts the volume: nothing would be stored on it.",
      fix: "Set it to the directory that the server writes to.",
    }));
}

/**
 * Servers whose claims would have the same name. A claim is named after volume and server: `data` of `tools-mcp`
 * and `data-tools` of `mcp` collide.
 */
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
