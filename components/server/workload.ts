import { keyAnnotation } from "@mcp-fleet/cluster";
import { UserError } from "@mcp-fleet/errors";
import { claimTemplates, isReplaced, otherTransform, workloadKind } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import {
  apiRightsAnnotation,
  defaultRolloutSeconds,
  gentleRollout,
  meshedMetadata,
  replacingRollout,
  rolloutTimeouts,
  secretVersionAnnotation,
  selectorLabels,
  transformed,
} from "../core";
import type { Server } from "./args";
import { serverPod } from "./pod";
import { codeAnnotation, codeHash } from "./process";
import { hasRights } from "./rights";
import { infisicalReload, secretOperator } from "./secret";

type PersistentVolumeClaim = k8s.types.input.core.v1.PersistentVolumeClaim;

/** What keeps a server's pods. */
export type Workload = k8s.apps.v1.Deployment | k8s.apps.v1.StatefulSet;

/** What a workload is made of. */
export interface WorkloadParts {
  readonly server: Server;
  readonly labels: { readonly name: string; readonly component: string };
  readonly metadata: { readonly namespace: string; readonly labels: Record<string, string> };
  /** The Secret whose keys become variables. */
  readonly secretName: pulumi.Input<string> | undefined;
  /** What changes with that Secret's content. */
  readonly secretVersion: pulumi.Input<string> | undefined;
  readonly dependsOn: pulumi.Input<pulumi.Resource>[];
}

/**
 * A Deployment; a StatefulSet where each pod has a claim of its own.
 *
 * @throws UserError for a transform that changes more than it may, or that of the other kind
 */
export function createWorkload(
  parent: pulumi.Resource,
  name: string,
  parts: WorkloadParts,
): Workload {
  const { server } = parts;
  const owner = `McpServer ${name}`;
  const [wrong] = otherTransform(server, server.transform);
  if (wrong !== undefined)
    throw new UserError(`${owner}: [${wrong.path}] ${wrong.problem}`, wrong.fix);
  const opts = { parent, ...optionsOf(parts) };
  if (workloadKind(server) === "StatefulSet") {
    const { statefulSet } = server.transform ?? {};
    const args = statefulSetOf(parts);
    return new k8s.apps.v1.StatefulSet(
      name,
      transformed<k8s.apps.v1.StatefulSetArgs>(owner, "statefulSet", args, statefulSet),
      opts,
    );
  }
  const { deployment } = server.transform ?? {};
  const args = deploymentOf(parts);
  return new k8s.apps.v1.Deployment(
    name,
    transformed<k8s.apps.v1.DeploymentArgs>(owner, "deployment", args, deployment),
    opts,
  );
}

/** What the commands and clients call the server, on the workload and on its Service. */
export function keyAnnotationOf({ key }: Server): Record<string, string> {
  return key === undefined ? {} : { [keyAnnotation]: key };
}

function optionsOf({ server, dependsOn }: WorkloadParts): pulumi.CustomResourceOptions {
  const { autoscaling, failedRollout } = server;
  const pods = autoscaling?.maxReplicas ?? server.replicas ?? 1;
  return {
    dependsOn,
    customTimeouts: rolloutTimeouts(server.rolloutSeconds ?? defaultRolloutSeconds, pods),
    // The autoscaler's business from then on.
    ...(autoscaling === undefined ? {} : { ignoreChanges: ["spec.replicas"] }),
    ...(failedRollout === undefined ? {} : { hooks: { onError: [failedRollout] } }),
  };
}

function deploymentOf(parts: WorkloadParts): k8s.apps.v1.DeploymentArgs {
  const { server } = parts;
  return {
    metadata: metadataOf(parts),
    spec: {
      ...specOf(parts),
      progressDeadlineSeconds: server.rolloutSeconds ?? defaultRolloutSeconds,
      strategy: isReplaced(server) ? replacingRollout : gentleRollout,
    },
  };
}

/** The Service of the server governs it: nobody calls a pod by a name of its own. */
function statefulSetOf(parts: WorkloadParts): k8s.apps.v1.StatefulSetArgs {
  const { server } = parts;
  return {
    metadata: metadataOf(parts),
    spec: {
      ...specOf(parts),
      serviceName: server.name,
      // Replicas do not wait for each other; and a template that never gets ready can be mended by the next one.
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate" },
      // What was kept outlives pods and server, until somebody deletes it.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      volumeClaimTemplates: claimsOf(server),
    },
  };
}

/** Kubernetes gives each claim the labels of the selector. Others would be there for good: a change is another StatefulSet. */
function claimsOf(server: Server): PersistentVolumeClaim[] {
  return claimTemplates(server).map(([name, { size, storageClass, accessModes }]) => ({
    metadata: { name },
    spec: {
      accessModes,
      storageClassName: storageClass,
      resources: { requests: { storage: size } },
    },
  }));
}

function metadataOf({ server, metadata }: WorkloadParts): k8s.types.input.meta.v1.ObjectMeta {
  const reload = secretOperator(server.secret)?.startsWith("infisical") ? infisicalReload : {};
  const annotations = { ...reload, ...keyAnnotationOf(server) };
  return {
    ...metadata,
    name: server.name,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** What a Deployment and a StatefulSet have in common. */
function specOf({ server, labels, metadata, secretName, ...parts }: WorkloadParts) {
  const { secretVersion = parts.secretVersion, autoscaling, code } = server;
  const annotations = {
    ...server.podAnnotations,
    ...(hasRights(server) ? { [apiRightsAnnotation]: "namespace" } : {}),
    ...(code === undefined ? {} : { [codeAnnotation]: codeHash(code.files ?? {}) }),
    ...(secretVersion === undefined ? {} : { [secretVersionAnnotation]: secretVersion }),
  };
  const podLabels = { ...server.podLabels, ...metadata.labels };
  return {
    replicas: server.replicas ?? autoscaling?.minReplicas ?? 1,
    revisionHistoryLimit: 2,
    selector: { matchLabels: selectorLabels(labels) },
    template: {
      metadata: meshedMetadata({ labels: podLabels, annotations }, server.serviceMesh),
      spec: serverPod(server, labels, secretName),
    },
  };
}
