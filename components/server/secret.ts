import type { SecretSource } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { defaultRolloutSeconds, transformed, versionLabel } from "../core";
import type { Server } from "./args";

type External = Extract<SecretSource, { external: unknown }>["external"];
type Infisical = Extract<SecretSource, { infisical: unknown }>["infisical"];
type InfisicalStatic = Extract<Infisical, { authRef: unknown }>;

/** Which operator makes a server's Secret, by the version of its kind; undefined where none does. */
export function secretOperator(
  secret: SecretSource | undefined,
): "external" | "infisical" | "infisical-static" | undefined {
  if (secret === undefined || typeof secret === "string") return undefined;
  if ("external" in secret) return "external";
  return "authRef" in secret.infisical ? "infisical-static" : "infisical";
}

/** The name of the Secret that is not made of the stack's values; undefined where there is none but that. */
export function secretNameOf({
  secret,
  name,
}: Pick<Server, "secret" | "name">): string | undefined {
  if (secret === undefined || typeof secret === "string") return secret;
  return `${name}-secrets`;
}

/** The Secret of a server: its name, and what makes it where that is ours. */
export interface ServerSecret {
  readonly name?: pulumi.Input<string>;
  readonly made?: pulumi.Input<pulumi.Resource>;
  /** What changes when its content does, where its name does not, and nothing of it is known here. */
  readonly version?: pulumi.Output<string>;
}

/** On a workload: Infisical's operator restarts it when the Secret's content changes. */
export const infisicalReload = { "secrets.infisical.com/auto-reload": "true" };

type Metadata = { namespace: string; labels: Record<string, string> };

/** Makes what the server's Secret needs, under `parent`. */
export function createSecret(
  parent: pulumi.Resource,
  name: string,
  metadata: Metadata,
  server: Server,
): ServerSecret {
  const { secret: source, secretValues, transform } = server;
  if (typeof source === "string") return { name: source };
  if (source === undefined) {
    if (secretValues === undefined) return {};
    // No name of ours: the engine names the Secret anew when its content changes, and the new name in the pod
    // template is what rolls the pods. Nothing derived from the content shows anywhere.
    const secret = new k8s.core.v1.Secret(
      name,
      transformed<k8s.core.v1.SecretArgs>(
        `McpServer ${name}`,
        "secret",
        { metadata, type: "Opaque", stringData: pulumi.secret(secretValues) },
        transform?.secret,
      ),
      { parent },
    );
    return { name: secret.metadata.name, made: secret };
  }
  const target = secretNameOf(server) ?? "";
  const made = new k8s.apiextensions.CustomResource(
    `${name}-secrets`,
    transformed<k8s.apiextensions.CustomResourceArgs>(
      `McpServer ${name}`,
      "externalSecret",
      operatorSecret(target, metadata, source),
      transform?.externalSecret,
    ),
    { parent },
  );
  const version = externalVersion(target, metadata, made, server);
  // What the version's reader says to whoever runs the update is said as it is where a dependency fails; of a failed property
  // the SDK would speak in words of its own.
  return version === undefined
    ? { name: target, made }
    : { name: target, made: version.apply(() => made), version };
}

/**
 * External Secrets rolls no pods. What people run for that, Stakater's Reloader, is another operator with rights to every
 * Secret; a chart's checksum is made of the values, which are not here to be hashed and are not to be in a state. So it is
 * the Secret's own version that goes on the pods, read when the operator is done: a preview shows that a value was rotated,
 * and the update rolls. A `secretVersion` of the stack's says that its pods are somebody else's to roll.
 */
function externalVersion(
  name: string,
  { namespace }: Metadata,
  made: k8s.apiextensions.CustomResource,
  { secret, rolloutSeconds, externalSecretVersion: ask }: Server,
): pulumi.Output<string> | undefined {
  if (ask === undefined || secretOperator(secret) !== "external") return undefined;
  const seconds = rolloutSeconds ?? defaultRolloutSeconds;
  const version = made.id.apply(() => ask({ namespace, name, seconds, made }));
  // An annotation whose value is undefined is left out.
  return version as pulumi.Output<string>;
}

function operatorSecret(
  name: string,
  metadata: Metadata,
  source: Exclude<SecretSource, string>,
): k8s.apiextensions.CustomResourceArgs {
  if ("external" in source) return externalSecret(name, metadata, source.external);
  return "authRef" in source.infisical
    ? infisicalStaticSecret(name, metadata, source.infisical)
    : infisicalSecret(name, metadata, source.infisical);
}

function infisicalStaticSecret(
  name: string,
  metadata: Metadata,
  source: InfisicalStatic,
): k8s.apiextensions.CustomResourceArgs {
  const { authRef, projectId, environment, path, recursive, refreshInterval } = source;
  const { namespace } = metadata;
  return {
    apiVersion: "secrets.infisical.com/v1beta1",
    kind: "InfisicalStaticSecret",
    metadata: { ...metadata, name },
    spec: {
      infisicalAuthRef: { name: authRef.name, namespace: authRef.namespace ?? namespace },
      syncOptions: { refreshInterval },
      sources: [
        {
          ...{ projectId, environmentSlug: environment, secretPath: path },
          recursive,
        },
      ],
      targets: [{ name, namespace, kind: "Secret", creationPolicy: "Owner" }],
    },
  };
}

function externalSecret(
  name: string,
  metadata: Metadata,
  source: External,
): k8s.apiextensions.CustomResourceArgs {
  const data = Object.entries(source.keys ?? {}).map(([secretKey, { key, property }]) => ({
    secretKey,
    remoteRef: { key, property },
  }));
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { ...metadata, name },
    spec: {
      refreshInterval: source.refreshInterval,
      secretStoreRef: { name: source.store, kind: source.storeKind },
      target: {
        ...{ name, creationPolicy: "Owner" },
        // Without a template the Secret gets these labels too: another image would be another version of the Secret.
        template: { metadata: { labels: withoutVersion(metadata.labels) } },
      },
      ...(data.length === 0 ? {} : { data }),
      ...(source.from === undefined ? {} : { dataFrom: [{ extract: { key: source.from } }] }),
    },
  };
}

function withoutVersion(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== versionLabel));
}

function infisicalSecret(
  name: string,
  metadata: Metadata,
  source: Exclude<Infisical, InfisicalStatic>,
): k8s.apiextensions.CustomResourceArgs {
  const { auth } = source;
  const { namespace } = metadata;
  const secretsScope = {
    projectSlug: source.project,
    envSlug: source.environment,
    secretsPath: source.path,
    recursive: source.recursive,
  };
  const authentication =
    "identityId" in auth
      ? {
          kubernetesAuth: {
            identityId: auth.identityId,
            serviceAccountRef: { name: auth.serviceAccount, namespace },
            secretsScope,
          },
        }
      : {
          universalAuth: {
            credentialsRef: {
              secretName: auth.credentialsSecret,
              secretNamespace: auth.namespace ?? namespace,
            },
            secretsScope,
          },
        };
  return {
    apiVersion: "secrets.infisical.com/v1alpha1",
    kind: "InfisicalSecret",
    metadata: { ...metadata, name },
    spec: {
      hostAPI: source.hostApi,
      authentication,
      managedKubeSecretReferences: [
        { secretName: name, secretNamespace: namespace, creationPolicy: "Owner" },
      ],
    },
  };
}
