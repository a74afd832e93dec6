import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { transformed } from "../core";
import type { McpServerArgs } from "./args";

/** Values a server gets from a Kubernetes Secret; all of its keys become environment variables. */
export type SecretSource =
  | {
      /** Values from stack secrets; the component makes the Secret. */
      readonly kind: "values";
      readonly values: pulumi.Input<Record<string, pulumi.Input<string>>>;
    }
  | {
      /** A Secret that exists already. */
      readonly kind: "existing";
      readonly name: string;
    }
  | ExternalSource
  | InfisicalSource
  | InfisicalStaticSource;

/** A Secret that the External Secrets Operator makes out of a store. */
export interface ExternalSource {
  readonly kind: "external";
  readonly store: string;
  readonly storeKind: "SecretStore" | "ClusterSecretStore";
  readonly refreshInterval: string;
  /** Takes every property of this entry. */
  readonly from?: string | undefined;
  /** Environment variable -> entry of the store. */
  readonly keys?:
    | Readonly<Record<string, { readonly key: string; readonly property?: string | undefined }>>
    | undefined;
}

/** A Secret that Infisical's operator makes out of an InfisicalStaticSecret (v1beta1). */
export interface InfisicalStaticSource {
  readonly kind: "infisical-static";
  /** The InfisicalAuth that says where Infisical is and who asks. */
  readonly authRef: { readonly name: string; readonly namespace?: string | undefined };
  readonly projectId: string;
  readonly environment: string;
  readonly path: string;
  readonly recursive?: boolean | undefined;
  readonly refreshInterval: string;
}

/**
 * The same out of an InfisicalSecret (v1alpha1), which says everything by itself. Its publisher calls it deprecated;
 * operators that know no v1beta1 are still in the field.
 */
export interface InfisicalSource {
  readonly kind: "infisical";
  readonly project: string;
  readonly environment: string;
  readonly path: string;
  readonly hostApi?: string | undefined;
  readonly recursive?: boolean | undefined;
  /** A machine identity's Secret (`clientId`, `clientSecret`), or one that trusts a service account. */
  readonly auth:
    | { readonly credentialsSecret: string; readonly namespace?: string | undefined }
    | { readonly identityId: string; readonly serviceAccount: string };
}

/** The Secret of a server: its name, and what makes it where that is ours. */
export interface ServerSecret {
  readonly name?: pulumi.Input<string>;
  readonly made?: pulumi.Resource;
}

/** On a Deployment: Infisical's operator restarts it when the Secret's content changes. */
export const infisicalReload = { "secrets.infisical.com/auto-reload": "true" };

type Metadata = { namespace: string; labels: Record<string, string> };

/** Makes what the source needs, under `parent`. */
export function createSecret(
  parent: pulumi.Resource,
  name: string,
  metadata: Metadata,
  args: McpServerArgs,
): ServerSecret {
  const { secret: source, transform, serviceName } = args;
  if (source === undefined) return {};
  if (source.kind === "existing") return { name: source.name };
  if (source.kind === "values") {
    // No name of ours: the engine names the Secret anew when its content changes, and the new name in the pod
    // template is what rolls the pods. Nothing derived from the content shows anywhere.
    const secret = new k8s.core.v1.Secret(
      name,
      transformed<k8s.core.v1.SecretArgs>(
        `McpServer ${name}`,
        "secret",
        { metadata, type: "Opaque", stringData: pulumi.secret(source.values) },
        transform?.secret,
      ),
      { parent },
    );
    return { name: secret.metadata.name, made: secret };
  }
  const target = `${serviceName}-secrets`;
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
  source: ExternalSource | InfisicalSource | InfisicalStaticSource,
): k8s.apiextensions.CustomResourceArgs {
  switch (source.kind) {
    case "external":
      return externalSecret(name, metadata, source);
    case "infisical":
      return infisicalSecret(name, metadata, source);
    case "infisical-static":
      return infisicalStaticSecret(name, metadata, source);
  }
}

function infisicalStaticSecret(
  name: string,
  metadata: Metadata,
  source: InfisicalStaticSource,
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
          ...(recursive === undefined ? {} : { recursive }),
        },
      ],
      targets: [{ name, namespace, kind: "Secret", creationPolicy: "Owner" }],
    },
  };
}

function externalSecret(
  name: string,
  metadata: Metadata,
  source: ExternalSource,
): k8s.apiextensions.CustomResourceArgs {
  const data = Object.entries(source.keys ?? {}).map(([secretKey, { key, property }]) => ({
    secretKey,
    remoteRef: { key, ...(property === undefined ? {} : { property }) },
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
  source: InfisicalSource,
): k8s.apiextensions.CustomResourceArgs {
  const { auth } = source;
  const { namespace } = metadata;
  const secretsScope = {
    projectSlug: source.project,
    envSlug: source.environment,
    secretsPath: source.path,
    ...(source.recursive === undefined ? {} : { recursive: source.recursive }),
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
      ...(source.hostApi === undefined ? {} : { hostAPI: source.hostApi }),
      authentication,
      managedKubeSecretReferences: [
        { secretName: name, secretNamespace: namespace, creationPolicy: "Owner" },
      ],
    },
  };
}
