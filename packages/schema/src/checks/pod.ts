import { codePath, placeOf } from "../fields";
import { gateOf } from "../gate";
import { configPath } from "../paths";
import type { Problem } from "../problems";
import { isReplaced } from "../rollout";
import type { ServerSettings } from "../server";
import type { StackSettings } from "../stack";
import { directoryVolumes, fileVolume, gateVolume } from "../volume-names";
import { envProblems } from "./env";
import { floatingImage } from "./image";

type Stack = Pick<StackSettings, "allowLatest">;

/** Conflicts within a server's pod. */
export function podProblems(key: string, own: ServerSettings, settings: Stack): Problem[] {
  const at = `servers.${key}`;
  return [
    ...containerProblems(at, own, settings),
    ...portProblems(at, own),
    ...volumeProblems(at, own),
    ...resourceProblems(at, own.resources),
  ];
}

function containerProblems(at: string, own: ServerSettings, settings: Stack): Problem[] {
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
      problems.push(...floatingImage(`${where}.image`, container.image, settings));
      for (const volume of Object.keys(container.mounts).filter(
        (one) => !Object.hasOwn(own.volumes, one),
      )) {
        problems.push({
          path: `${where}.mounts.${volume}`,
          problem: "names no volume of the server.",
          fix: `Add ${at}.volumes.${volume}, or remove it.`,
        });
      }
      const look = placesOf([
        temporary,
        ...container.writable.map((path) => [path, "writable"] as const),
      ]);
      for (const [volume, path] of Object.entries(container.mounts))
        problems.push(...look(path, `${where}.mounts.${volume}`, `mounts.${volume}`));
      problems.push(...resourceProblems(where, container.resources));
      problems.push(
        ...envProblems(where, container.env, {
          secretKeys: [],
          unknownSecret: false,
          noSecrets: true,
        }),
      );
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
        fix: "Give one of them another number, or remove it.",
      },
    ];
  });
}

/** Volumes that each pod has, with their purpose. */
function ownVolumes(own: ServerSettings): Map<string, string> {
  const directories = (writable: readonly string[], prefix = ""): [string, string][] =>
    directoryVolumes(writable, prefix).map(([name, path]) => [name, `the directory ${path}`]);
  return new Map([
    ...directories(own.writable),
    ...Object.keys(own.files).map((_, index) => [fileVolume(index), "files"] as const),
    ["secret-files", "files"],
    ...(own.code === undefined ? [] : [["config", "code"] as const]),
    ["api-access", "the account's token"],
    ...(gateOf(own) === undefined ? [] : [[gateVolume, "the gate"] as const]),
    ...[...own.sidecars, ...own.initContainers].flatMap(({ name, writable }) =>
      directories(writable, `${name}-`),
    ),
  ]);
}

/** Finds paths of one container that are used twice; the second use is reported. */
function placesOf(taken: readonly (readonly [path: string, by: string])[]) {
  const places = new Map(taken.map(([path, by]) => [placeOf(path), by]));
  return (path: string, at: string, by: string): Problem[] => {
    const other = places.get(placeOf(path));
    places.set(placeOf(path), by);
    if (other === undefined) return [];
    return [
      {
        path: at,
        problem: `"${path}" is taken by ${other}.`,
        fix: "Give one of them another path.",
      },
    ];
  };
}

const temporary = ["/tmp", "the directory for temporary files"] as const;

function volumeProblems(at: string, own: ServerSettings): Problem[] {
  const problems: Problem[] = [];
  const reserved = ownVolumes(own);
  const look = placesOf([
    temporary,
    ...(own.code === undefined ? [] : [[codePath, "code"] as const]),
    ...own.writable.map((path) => [path, "writable"] as const),
  ]);
  for (const path of Object.keys(own.files))
    problems.push(...look(path, `${at}.${configPath(["files", path])}`, `files`));
  for (const [name, volume] of Object.entries(own.volumes)) {
    const by = reserved.get(name);
    if (by !== undefined)
      problems.push({
        path: `${at}.volumes.${name}`,
        problem: `is the name of a volume that the pod has for ${by}.`,
        fix: "Rename it.",
      });
    if (volume.mount !== undefined)
      problems.push(...look(volume.mount, `${at}.volumes.${name}.mount`, `volumes.${name}`));
  }
  const many = Math.max(own.replicas ?? 1, own.autoscaling?.maxReplicas ?? 1) > 1;
  if (many && isReplaced(own)) {
    problems.push({
      path: `${at}.strategy`,
      problem: "lets no pod serve while another replaces it, and there are several replicas.",
      fix: 'Set it to "rolling", or replicas to 1.',
    });
  }
  return problems;
}

const units: Readonly<Record<string, number>> = {
  ...{ "": 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

function quantity(text: string): number {
  const [, number = "", unit = ""] = /^(.*?)([a-zA-Z]*)$/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? 1);
}

/** The API server rejects a request above its limit, and a device whose limit differs from its request. */
function resourceProblems(
  at: string,
  { requests, limits }: ServerSettings["resources"],
): Problem[] {
  return Object.entries(requests ?? {}).flatMap(([name, request]) => {
    const limit = Object.entries(limits ?? {}).find(([key]) => key === name)?.[1];
    const path = `${at}.${configPath(["resources", "requests", name])}`;
    if (name.includes("/") && request !== limit)
      return [
        {
          path,
          problem: `is a device, and its limit is ${limit ?? "missing"}.`,
          fix: `Set resources.limits of it to "${String(request)}" too, or leave the request out.`,
        },
      ];
    if (request === undefined || limit === undefined || quantity(request) <= quantity(limit))
      return [];
    return [
      {
        path,
        problem: `"${request}" is above its limit "${limit}".`,
        fix: "Lower it, or raise resources.limits.",
      },
    ];
  });
}
