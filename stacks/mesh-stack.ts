import { componentLabel, partOfLabel } from "@mcp-fleet/kube";
import type { MeshSettings } from "@mcp-fleet/schema";
import type * as pulumi from "@pulumi/pulumi";

import { selectorLabels, type ServiceMeshMember } from "../components/core";
import {
  agentComponent,
  agentDefinition,
  MeshAgent,
  type MeshedService,
  MeshRegistry,
  RegistryDatabase,
  type RegistryStorage,
  ServiceMeshPolicies,
} from "../components/mesh";
import { metricsComponent } from "../components/observability";
import type { StackConfig } from "./config";
import type { ConsumerPosition } from "./cutover-spec";
import { clusterNetwork } from "./network";

/** The URLs of the mesh, for its callers. */
export interface MeshUrls {
  readonly registry: string;
  readonly agents: Readonly<Record<string, string>>;
}

/** The mesh of a stack, as the observer needs it. */
export interface Mesh {
  readonly urls: MeshUrls;
  readonly registry: {
    readonly service: string;
    readonly port: number;
    readonly labels: Record<string, string>;
  };
}

/** The service mesh of the mesh's pods, and of those that call its registry. */
export function serviceMeshMember({ serviceMesh }: MeshSettings): {
  readonly serviceMesh?: ServiceMeshMember;
} {
  if (serviceMesh?.inject !== true) return {};
  const { kind, controlPlaneNamespace } = serviceMesh;
  return { serviceMesh: { kind, ...defined({ controlPlaneNamespace }) } };
}

/** The registry first, then the agents: a StatefulSet is ready when its pod is. */
export function buildMesh(
  config: StackConfig,
  consumers: readonly ConsumerPosition[],
  opts: { readonly dependsOn: pulumi.Resource[] },
): Mesh | undefined {
  const { mesh, application } = config.settings;
  if (mesh === undefined) return undefined;
  const definition = mesh.defineAgents ? [agentDefinition(`${application}-agents`)] : [];
  const registry = meshRegistry(config, mesh, opts);
  const afterRegistry = { dependsOn: [...opts.dependsOn, ...registry.ready] };
  const agents = Object.entries(mesh.agents)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, own]) => {
      const args = agentArgs(config, key, own, registry, mesh);
      return [key, new MeshAgent(key, { ...args, consumers }, definition, afterRegistry)] as const;
    });
  serviceMeshPolicies(config, mesh, registry, opts);
  return {
    urls: {
      registry: registry.url,
      agents: Object.fromEntries(agents.map(([key, agent]) => [key, agent.server.url])),
    },
    registry: {
      service: mesh.registry.name,
      port: mesh.registry.port,
      labels: registry.selector,
    },
  };
}

function meshRegistry(
  config: StackConfig,
  mesh: MeshSettings,
  opts: { readonly dependsOn: pulumi.Resource[] },
): MeshRegistry {
  const { settings } = config;
  const { name, storage: _, ...own } = mesh.registry;
  const { application } = settings;
  const { storage, ready } = registryStorage(config, mesh, opts);
  // The observer asks it about the agents.
  const observer = {
    [componentLabel]: metricsComponent,
    [partOfLabel]: application,
  };
  return new MeshRegistry(
    name,
    {
      ...defined(own),
      image: own.image,
      port: own.port,
      serviceName: name,
      namespace: settings.namespace,
      application,
      storage,
      consumers: [{ labels: observer }],
      ...serviceMeshMember(mesh),
      ...clusterNetwork(config),
      imagePullSecrets: settings.imagePullSecrets,
      networkPolicy: settings.network.isolate !== "none",
    },
    { dependsOn: [...opts.dependsOn, ...ready] },
  );
}

/** Where the registry keeps its data, and which resources must exist first. */
function registryStorage(
  { settings, secrets }: StackConfig,
  { registry }: MeshSettings,
  opts: pulumi.ComponentResourceOptions,
): { readonly storage: RegistryStorage; readonly ready: readonly pulumi.Resource[] } {
  const { name, storage } = registry;
  if ("sqlite" in storage) {
    return { storage: { kind: "sqlite", ...defined(storage.sqlite) }, ready: [] };
  }
  if ("postgresql" in storage) {
    return { storage: { kind: "postgresql", ...storage.postgresql }, ready: [] };
  }
  const { application, namespace } = settings;
  return new RegistryDatabase(
    `${name}-database`,
    {
      ...defined(storage.managed),
      // The configuration's loader has validated it.
      adminUrl: secrets.meshDatabaseUrl ?? "",
      adminKey: "mcp-fleet:meshDatabaseUrl",
      ...{ serviceName: name, namespace, application },
    },
    opts,
  );
}

function agentArgs(
  config: StackConfig,
  key: string,
  own: MeshSettings["agents"][string],
  registry: MeshRegistry,
  mesh: MeshSettings,
): Omit<ConstructorParameters<typeof MeshAgent>[1], "consumers"> {
  const { settings } = config;
  return {
    ...own,
    serviceName: key,
    namespace: settings.namespace,
    application: settings.application,
    registryUrl: registry.url,
    registry: { labels: registry.selector, port: mesh.registry.port },
    ...serviceMeshMember(mesh),
    ...clusterNetwork(config),
    imagePullSecrets: settings.imagePullSecrets,
    networkPolicy: settings.network.isolate !== "none",
  };
}

function serviceMeshPolicies(
  { settings }: StackConfig,
  mesh: MeshSettings,
  registry: MeshRegistry,
  opts: pulumi.ComponentResourceOptions,
): void {
  const { serviceMesh } = mesh;
  if (serviceMesh === undefined) return;
  const { kind, timeoutSeconds, retries, outlier, services } = serviceMesh;
  const meshed = (
    name: string,
    port: number,
    selector: MeshedService["selector"],
  ): MeshedService => ({
    ...{ name, port, selector },
    ...(services[name] === undefined ? {} : { traffic: defined(services[name]) }),
  });
  const agents = Object.entries(mesh.agents).map(([name, { port }]) =>
    meshed(name, port, selectorLabels({ name, component: agentComponent })),
  );
  new ServiceMeshPolicies(
    `${settings.application}-${kind}`,
    {
      namespace: settings.namespace,
      application: settings.application,
      kind,
      traffic: { timeoutSeconds, retries, outlier },
      services: [meshed(mesh.registry.name, mesh.registry.port, registry.selector), ...agents],
    },
    opts,
  );
}

/** Removes undefined keys, which an exact optional type does not allow. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
