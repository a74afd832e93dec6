import type { ObjectKind } from "@mcp-fleet/cluster";
import { UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { meshApi, serviceMeshKinds } from "../components/mesh";
import { egressOf, secretOperator } from "../components/server";
import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/** A kind that is not part of Kubernetes. */
export interface WantedKind extends ObjectKind {
  /** The configuration that needs it. */
  readonly key: string;
  /** The project that defines it in a cluster. */
  readonly from: string;
  /** How to avoid it. */
  readonly otherwise: string;
}

type Settings = Pick<StackConfig, "settings" | "servers">;

const kindsOf = (apiVersion: string, ...kinds: readonly string[]): ObjectKind[] =>
  kinds.map((kind) => ({ apiVersion, kind }));

const serviceMeshes = { istio: "Istio", linkerd: "Linkerd" } as const;

const secretOperators: Readonly<
  Record<string, { readonly from: string; readonly kinds: readonly ObjectKind[] }>
> = {
  external: {
    from: "the External Secrets Operator",
    kinds: kindsOf("external-secrets.io/v1", "ExternalSecret"),
  },
  infisical: {
    from: "Infisical's operator",
    kinds: kindsOf("secrets.infisical.com/v1alpha1", "InfisicalSecret"),
  },
  "infisical-static": {
    from: "Infisical's operator",
    kinds: kindsOf("secrets.infisical.com/v1beta1", "InfisicalStaticSecret"),
  },
};

/** The kinds of this stack's objects that it does not define itself. */
export function wantedKinds({ settings, servers }: Settings): WantedKind[] {
  return [
    ...meshKinds(settings.mesh),
    ...monitorKinds(settings.observability),
    ...servers.flatMap(({ key, secret, egress }) => [
      ...secretKinds(`servers.${key}.secret`, secretOperator(secret)),
      ...(egressOf({ egress }).fqdns === undefined ? [] : nameRules(`servers.${key}.egress.fqdns`)),
    ]),
  ];
}

function meshKinds(mesh: StackConfig["settings"]["mesh"]): WantedKind[] {
  if (mesh === undefined) return [];
  const agents = Object.entries(mesh.agents);
  const wanted = agents.flatMap(([name, { egress }]) =>
    typeof egress === "object" && egress.fqdns !== undefined
      ? nameRules(`mesh.agents.${name}.egress.fqdns`)
      : [],
  );
  if (mesh.serviceMesh !== undefined) {
    const { kind } = mesh.serviceMesh;
    wanted.push(...wantedFor("mesh.serviceMesh.kind", serviceMeshes[kind], serviceMeshKinds[kind]));
  }
  if (!mesh.defineAgents && agents.length > 0) {
    const key = "mesh.defineAgents";
    const kinds = kindsOf(`${meshApi.group}/${meshApi.version}`, "MCPAgent");
    wanted.push(...wantedFor(key, "the cluster's first mesh", kinds, `set ${key} to true`));
  }
  return wanted;
}

function monitorKinds(observability: StackConfig["settings"]["observability"]): WantedKind[] {
  if (!observability.enabled || !observability.prometheusOperator) return [];
  const key = "observability.prometheusOperator";
  const kinds = kindsOf("monitoring.coreos.com/v1", "ServiceMonitor", "PrometheusRule");
  return wantedFor(key, "the Prometheus operator", kinds, `set ${key} to false`);
}

function secretKinds(key: string, kind: string | undefined): WantedKind[] {
  const operator = secretOperators[kind ?? ""];
  return operator === undefined ? [] : wantedFor(key, operator.from, operator.kinds);
}

function nameRules(key: string): WantedKind[] {
  return wantedFor(key, "Cilium", kindsOf("cilium.io/v2", "CiliumNetworkPolicy"));
}

function wantedFor(
  key: string,
  from: string,
  kinds: readonly ObjectKind[],
  otherwise = `remove ${key} from the configuration`,
): WantedKind[] {
  return kinds.map((kind) => ({ ...kind, key, from, otherwise }));
}

/**
 * Refuses a stack with objects of a kind that its cluster does not know, before anything is created: the engine
 * would stop half-way, at the first of them. If the cluster does not answer, a preview says that this is not
 * known.
 *
 * @throws UserError naming the key, the kinds and who defines them
 */
export async function requireKinds(
  config: Settings & Pick<StackConfig, "kubernetes">,
): Promise<void> {
  const wanted = wantedKinds(config);
  // In render mode there is no cluster.
  if (wanted.length === 0 || config.kubernetes.rendered) return;
  const { missingKinds } = await import("@mcp-fleet/cluster");
  const seen = await seeCluster(config.kubernetes, (kube) => missingKinds(kube, wanted));
  if ("unseen" in seen) {
    if (pulumi.runtime.isDryRun()) {
      const from = [...new Set(wanted.map((one) => one.from))].join(", ");
      await pulumi.log.warn(
        `${seen.unseen} Whether it has the definitions that come with ${from} is not known.`,
      );
    }
    return;
  }
  const [first] = seen.answer;
  if (first === undefined) return;
  const names = seen.answer
    .filter(({ key }) => key === first.key)
    .map(({ apiVersion, kind }) => `${kind} (${apiVersion})`);
  throw new UserError(
    `[${first.key}] needs objects of ${names.join(", ")}, which the cluster does not know.`,
    `Install ${first.from} in a version that brings ${names.length === 1 ? "it" : "them"}, or ${first.otherwise}.`,
  );
}
