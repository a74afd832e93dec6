import type { SecretSource } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { transformed } from "../core";
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
  readonly made?: pulumi.Resource;
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
  return { name: target, made };
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
      target: { name, creationPolicy: "Owner" },
      ...(data.length === 0 ? {} : { data }),
      ...(source.from === undefined ? {} : { dataFrom: [{ extract: { key: source.from } }] }),
    },
  };
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
