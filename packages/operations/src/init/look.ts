import { identify, namespaceState } from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";
import { asking, type Kube } from "@mcp-fleet/kube";

/** What a cluster shows about the application's environment. */
export interface ClusterSketch {
  readonly context: string;
  /** UID of kube-system; absent where it may not be read. */
  readonly uid?: string;
  readonly namespace: string;
  /** Absent where it could not be determined. */
  readonly namespaceExists?: boolean;
  /** The application's Deployment. */
  readonly application?: {
    readonly name: string;
    readonly image: string;
    readonly pullSecrets: readonly string[];
  };
  /** Services of the namespace on PostgreSQL's port. */
  readonly databases: readonly string[];
  /** What could not be inspected, one sentence each. */
  readonly unseen: readonly string[];
}

/** How many objects of a kind are read. */
const limit = 500;
const postgresPort = 5432;

/**
 * Inspects the cluster as far as this identity may. Changes nothing.
 * @param application name of its Deployment
 * @param given the namespace, if it is given
 * @throws UserError when the cluster does not answer
 */
export async function lookAtCluster(
  kube: Kube,
  application: string,
  given?: string,
): Promise<ClusterSketch> {
  const unseen: string[] = [];
  const seen = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      // Without the right to read everything there is still a file.
      if (!isUserError(error) || !("status" in error)) throw error;
      unseen.push(error.problem);
      return undefined;
    }
  };
  const identity = await seen(() => identify(kube, []));
  const named = given ?? (await seen(() => namespaceOf(kube, application)));
  const namespace = named ?? kube.namespace;
  const state = await seen(() => namespaceState(kube, namespace));
  const exists = state === undefined ? undefined : state !== "missing";
  const deployment =
    exists === false ? undefined : await seen(() => deploymentIn(kube, namespace, application));
  const services = exists === false ? undefined : await seen(() => databasesIn(kube, namespace));
  return {
    ...{ context: kube.context, namespace, unseen },
    ...(identity === undefined || identity.uid === "" ? {} : { uid: identity.uid }),
    ...(exists === undefined ? {} : { namespaceExists: exists }),
    ...(deployment === undefined ? {} : { application: deployment }),
    databases: services ?? [],
  };
}

async function namespaceOf(kube: Kube, application: string): Promise<string | undefined> {
  const fieldSelector = `metadata.name=${application}`;
  const { items } = await asking(kube, "list Deployments of all namespaces", () =>
    kube.apps.listDeploymentForAllNamespaces({ fieldSelector, limit }),
  );
  const places = items.flatMap(({ metadata }) => metadata?.namespace ?? []);
  return places.length === 1 ? places[0] : undefined;
}

async function deploymentIn(
  kube: Kube,
  namespace: string,
  name: string,
): Promise<ClusterSketch["application"]> {
  const { items } = await asking(kube, `list Deployments of namespace ${namespace}`, () =>
    kube.apps.listNamespacedDeployment({
      namespace,
      fieldSelector: `metadata.name=${name}`,
      limit,
    }),
  );
  const pod = items[0]?.spec?.template.spec;
  const image = pod?.containers[0]?.image;
  if (image === undefined) return undefined;
  const pullSecrets = (pod?.imagePullSecrets ?? []).flatMap((secret) => secret.name ?? []);
  return { name, image, pullSecrets };
}

async function databasesIn(kube: Kube, namespace: string): Promise<string[]> {
  const { items } = await asking(kube, `list Services of namespace ${namespace}`, () =>
    kube.core.listNamespacedService({ namespace, limit }),
  );
  return items.flatMap(({ metadata, spec }) =>
    (spec?.ports ?? []).some(({ port }) => port === postgresPort) ? (metadata?.name ?? []) : [],
  );
}
