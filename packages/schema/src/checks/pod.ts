import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import { envProblems } from "./env";
import { isFloating } from "./servers";

/** What does not fit together in a server's pod. */
export function podProblems(key: string, own: ServerSettings, allowLatest: boolean): Problem[] {
  const at = `servers.${key}`;
  return [
    ...containerProblems(at, own, allowLatest),
    ...portProblems(at, own),
    ...volumeProblems(at, own),
  ];
}

function containerProblems(at: string, own: ServerSettings, allowLatest: boolean): Problem[] {
  const names = new Set<string>();
  const problems: Problem[] = [];
  for (const list of ["sidecars", "initContainers"] as const) {
    for (const [index, container] of own[list].entries()) {
      const where = `${at}.${list}[${index}]`;
      if (names.has(container.name)) {
        const problem = `"${container.name}" is the name of another container of this pod.`;
        problems.push({ path: `${where}.name`, problem, fix: "Give one of them another name." });
      }
      names.add(container.name);
      if (!allowLatest && isFloating(container.image)) {
        problems.push({
          path: `${where}.image`,
          problem: `"${container.image}" names no fixed version.`,
          fix: "Pin it by tag or digest, or set allowLatest to true in a stack that is not production.",
        });
      }
      for (const volume of Object.keys(container.mounts).filter((one) => !(one in own.volumes))) {
        problems.push({
          path: `${where}.mounts.${volume}`,
          problem: "names no volume of the server.",
          fix: `Add ${at}.volumes.${volume}, or take it out.`,
        });
      }
      problems.push(...envProblems(where, container.env, { secretKeys: [], unknownSecret: false }));
    }
  }
  return problems;
}

function portProblems(at: string, own: ServerSettings): Problem[] {
  const taken = new Map<number, string>(own.port === undefined ? [] : [[own.port, "port"]]);
  return Object.entries(own.ports).flatMap(([name, { port }]) => {
    const other = taken.get(port);
    taken.set(port, `ports.${name}`);
    if (other === undefined) return [];
    return [
      {
        path: `${at}.ports.${name}`,
        problem: `${port} is the number of ${other} too.`,
        fix: "Give one of them another number, or take it out.",
      },
    ];
  });
}

function volumeProblems(at: string, own: ServerSettings): Problem[] {
  const places = new Map<string, string>([
    ["/tmp", "the directory for temporary files"],
    ...own.writable.map((path) => [path, "writable"] as const),
  ]);
  const problems: Problem[] = [];
  for (const [name, volume] of Object.entries(own.volumes)) {
    const { mount } = volume;
    if (mount === undefined) continue;
    const other = places.get(mount);
    places.set(mount, `volumes.${name}`);
    if (other === undefined) continue;
    problems.push({
      path: `${at}.volumes.${name}.mount`,
      problem: `"${mount}" is taken by ${other}.`,
      fix: "Give one of them another path.",
    });
  }
  const many = Math.max(own.replicas ?? 1, own.autoscaling?.maxReplicas ?? 1) > 1;
  if (many && own.strategy === "recreate") {
    problems.push({
      path: `${at}.strategy`,
      problem: "lets no pod serve while another replaces it, and there are several replicas.",
      fix: 'Set it to "rolling", or replicas to 1.',
    });
  }
  return problems;
}
