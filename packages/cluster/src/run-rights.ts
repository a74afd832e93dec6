import type { ObjectKind } from "./kinds";

/** One thing that an identity may do in a cluster, as Kubernetes asks for it. */
export interface ClusterRight {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** With its subresource: `deployments`, `pods/log`. */
  readonly resource: string;
  /** Not there for what belongs to no namespace. */
  readonly namespace?: string;
  /** The one object that it is about. @default all of the kind */
  readonly name?: string;
}

/** An object whose content a run reads. */
type ReadObject = { readonly secret: string } | { readonly configMap: string };

/** A kind of object that an update makes. */
export interface MadeKind extends ObjectKind {
  /** @default the stack's */
  readonly namespace?: string;
}

/** What an update does in its cluster. */
export interface RunWork {
  /** The application's and its servers'. */
  readonly namespace: string;
  readonly kinds: readonly MadeKind[];
  /** Whether the rows are moved by it, so that rollouts are waited for. */
  readonly moves: boolean;
  /** Whether the servers are asked by Jobs. */
  readonly probes: boolean;
  /** What it reads to write headers, and where it asks servers itself. @default nothing */
  readonly reads?: readonly ReadObject[];
  /** Where the database is, when a port is forwarded to it. */
  readonly forwards?: { readonly namespace: string };
}

/** What decides what an update does, as a stack's settings and its Cutover have it. */
export interface RunSettings {
  readonly namespace: string;
  readonly kinds: readonly MadeKind[];
  /** Not there where no rows are moved. */
  readonly cutover?: {
    readonly target: string;
    readonly probe: { readonly from: string };
    readonly database: {
      readonly connect?: "direct" | { readonly portForward: { readonly namespace: string } };
    };
    /** The servers to ask. @default none of which anything is kept in the cluster */
    readonly targets?: readonly KeptTarget[];
  };
}

/** A server to ask, with what of it is kept in the cluster. Files need no rights in the cluster. */
interface KeptTarget {
  readonly caFrom?: ReadObject | { readonly file: string };
  readonly headersFrom?: Readonly<
    Record<string, { readonly secret: string } | { readonly file: string }>
  >;
}

/** What an update of a stack does in its cluster. */
export function workOfRun({ namespace, kinds, cutover }: RunSettings): RunWork {
  const { target, probe, database, targets = [] } = cutover ?? {};
  const connect = database?.connect ?? "direct";
  return {
    ...{ namespace, kinds, moves: cutover !== undefined },
    reads: target === "in-cluster" ? readsOf(targets, probe?.from === "here") : [],
    probes: target === "in-cluster" && probe?.from === "cluster",
    ...(connect === "direct" ? {} : { forwards: { namespace: connect.portForward.namespace } }),
  };
}

/** Header values are always read, for the rows. An authority is read only without a Job, whose pod mounts it. */
function readsOf(targets: readonly KeptTarget[], here: boolean): ReadObject[] {
  const all = targets.flatMap(({ caFrom, headersFrom = {} }) => [
    ...Object.values(headersFrom),
    ...(here && caFrom !== undefined ? [caFrom] : []),
  ]);
  return all.flatMap((one) => ("file" in one ? [] : [one]));
}

/** Kinds without a namespace. */
const clusterWide = new Set([
  "Namespace",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
]);

const follow = ["list", "watch"];

/**
 * The provider reads an object, applies it by a patch or makes it, and deletes it once it is out of the stack. It follows
 * the whole kind until the object is gone: without that right an update never ends (`provider/pkg/await/condition`).
 */
const ownVerbs = ["get", "create", "patch", "delete", ...follow];

/** What the provider follows while it waits for a workload; from its source, `provider/pkg/await`. */
const followed: Readonly<Record<string, readonly (readonly [group: string, resource: string])[]>> =
  {
    Deployment: [
      ["apps", "deployments"],
      ["apps", "replicasets"],
      ["", "pods"],
      ["", "persistentvolumeclaims"],
    ],
    StatefulSet: [
      ["apps", "statefulsets"],
      ["", "pods"],
    ],
  };

/** Every right that an update needs beyond those of any identity, each once. */
export function rightsOfRun({
  namespace,
  kinds,
  moves,
  probes,
  reads = [],
  forwards,
}: RunWork): ClusterRight[] {
  const rights: ClusterRight[] = [];
  const add = (
    where: string | undefined,
    group: string,
    resource: string,
    verbs: readonly string[],
  ): void => {
    for (const verb of verbs)
      rights.push({ verb, group, resource, ...(where === undefined ? {} : { namespace: where }) });
  };
  for (const { apiVersion, kind, namespace: own = namespace } of kinds) {
    const where = clusterWide.has(kind) ? undefined : own;
    add(where, groupOf(apiVersion), resourceOf(kind), ownVerbs);
    for (const [group, resource] of followed[kind] ?? []) add(where, group, resource, follow);
  }
  // During any wait the provider shows the object's events.
  for (const { kind, namespace: own = namespace } of kinds) {
    if (!clusterWide.has(kind)) add(own, "", "events", follow);
  }
  if (moves) {
    add(namespace, "apps", "deployments", ["get"]);
    add(namespace, "", "pods", ["list"]);
  }
  if (probes) {
    add(namespace, "batch", "jobs", ["get", "list", "create", "patch", "delete"]);
    add(namespace, "", "secrets", ["create", "delete"]);
    add(namespace, "", "pods/log", ["get"]);
  }
  for (const one of reads) {
    const [resource, name] =
      "secret" in one ? ["secrets", one.secret] : ["configmaps", one.configMap];
    rights.push({ verb: "get", group: "", resource, namespace, name });
  }
  if (forwards !== undefined) {
    add(forwards.namespace, "", "services", ["get"]);
    add(forwards.namespace, "", "pods", ["get", "list"]);
    add(forwards.namespace, "", "pods/portforward", ["create"]);
  }
  const seen = new Map(rights.map((right) => [JSON.stringify(right), right]));
  return [...seen.values()];
}

function groupOf(apiVersion: string): string {
  const [group = "", version] = apiVersion.split("/");
  return version === undefined ? "" : group;
}

/** The plural as the API server names it. */
function resourceOf(kind: string): string {
  const name = kind.toLowerCase();
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch)$/.test(name) ? `${name}es` : `${name}s`;
}
