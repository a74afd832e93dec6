import type { MeshSettings } from "../mesh";
import type { Problem } from "../problems";
import type { StackSettings } from "../stack";
import { floatingImage } from "./image";

/**
 * Problems of a mesh that the schema cannot find.
 * @param taken names of the servers' Services
 */
export function meshProblems(settings: StackSettings, taken: readonly string[]): Problem[] {
  const { mesh } = settings;
  if (mesh === undefined) return [];
  return [
    ...imageProblems(settings, mesh),
    ...nameProblems(mesh, taken),
    ...trafficProblems(mesh),
    ...Object.entries(mesh.agents).flatMap(([key, agent]) => replicaProblems(key, agent)),
  ];
}

function imageProblems(settings: StackSettings, { registry, agents }: MeshSettings): Problem[] {
  return [
    ...floatingImage("mesh.registry.image", registry.image, settings),
    ...Object.entries(agents).flatMap(([key, { image }]) =>
      floatingImage(`mesh.agents.${key}.image`, image, settings),
    ),
  ];
}

/** Registry, agents and servers each have a Service in one namespace, so their names must differ. */
function nameProblems(mesh: MeshSettings, taken: readonly string[]): Problem[] {
  const { name } = mesh.registry;
  const used = new Set([...taken, name, `${name}-headless`]);
  const clash = (path: string): Problem => ({
    path,
    problem: "is the name of another Service of this stack.",
    fix: "Give one of them another name.",
  });
  return [
    ...(taken.includes(name) ? [clash("mesh.registry.name")] : []),
    ...Object.keys(mesh.agents)
      .filter((key) => used.has(key))
      .map((key) => clash(`mesh.agents.${key}`)),
  ];
}

/**
 * What a database for the registry needs.
 * @param hasUrl whether meshDatabaseUrl is set
 */
export function storageProblems(
  { mesh }: StackSettings,
  hasUrl: boolean,
  rendered: boolean,
): Problem[] {
  if (mesh === undefined || !("managed" in mesh.registry.storage)) return [];
  const problems: Problem[] = [];
  if (!hasUrl) {
    problems.push({
      path: "meshDatabaseUrl",
      problem: "is missing, which makes the database of mesh.registry.storage.managed.",
      fix: "Set it with: pulumi config set --secret meshDatabaseUrl postgresql://user:password@host:5432/postgres",
    });
  }
  if (rendered) {
    problems.push({
      path: "mesh.registry.storage.managed",
      problem: "cannot be rendered: YAML cannot create a database.",
      fix: "Use pulumi up, or make database and Secret by hand and name the Secret in storage.postgresql.",
    });
  }
  return problems;
}

/** Traffic settings for a service that does not exist. */
function trafficProblems({ registry, agents, serviceMesh }: MeshSettings): Problem[] {
  const names = [registry.name, ...Object.keys(agents)];
  return Object.keys(serviceMesh?.services ?? {})
    .filter((name) => !names.includes(name))
    .map((name) => ({
      path: `mesh.serviceMesh.services.${name}`,
      problem: "is no service of this mesh.",
      fix: `Use one of ${names.join(", ")}.`,
    }));
}

function replicaProblems(key: string, agent: MeshSettings["agents"][string]): Problem[] {
  const at = `mesh.agents.${key}`;
  const { replicas, autoscaling, disruptionBudget } = agent;
  const least = Math.max(replicas ?? 1, autoscaling?.minReplicas ?? 1);
  const problems: Problem[] = [];
  if (disruptionBudget !== undefined && least < 2) {
    problems.push({
      path: `${at}.disruptionBudget`,
      problem: "protects nothing with one replica.",
      fix: "Set replicas to 2 or more, or remove it.",
    });
  }
  if (autoscaling !== undefined && autoscaling.maxReplicas < least) {
    problems.push({
      path: `${at}.autoscaling.maxReplicas`,
      problem: "is below minReplicas or replicas.",
      fix: `Set it to ${least} or more.`,
    });
  }
  return problems;
}
