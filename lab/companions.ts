import type {
  KubernetesObject,
  V1Deployment,
  V1Namespace,
  V1Service,
} from "@kubernetes/client-node";
import {
  componentLabel,
  nameLabel,
  partOfLabel,
  restrictedContainer,
  restrictedPod,
} from "@mcp-fleet/kube";

import { ofInstallation } from "./paths";

/** The namespace the lab's application lives in, as in the application's own manifests. */
export const labNamespace = ofInstallation("llmctl");
/** The Chroma database the legacy rows name (`--host llmctl-chromadb --port 8000`). */
export const chromaName = "llmctl-chromadb";

/**
 * What exists before the program first runs: the application's namespace, and the Chroma database that
 * chroma-mcp is a client of. They belong to the lab; the program does not know them.
 */
export function companionObjects(chromaImage: string): readonly KubernetesObject[] {
  const labels = {
    [nameLabel]: chromaName,
    [componentLabel]: "vector-database",
    [partOfLabel]: "llmctl-studio",
  };
  const namespace: V1Namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: labNamespace },
  };
  const service: V1Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: chromaName, namespace: labNamespace, labels },
    spec: {
      selector: { [nameLabel]: chromaName },
      ports: [{ name: "http", port: 8000, targetPort: 8000 }],
    },
  };
  const deployment: V1Deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: chromaName, namespace: labNamespace, labels },
    spec: {
      replicas: 1,
      strategy: { type: "Recreate" },
      selector: { matchLabels: { [nameLabel]: chromaName } },
      template: {
        metadata: { labels },
        spec: {
          ...restrictedPod(),
          containers: [
            {
              name: "chroma",
              image: chromaImage,
              imagePullPolicy: "IfNotPresent",
              ports: [{ name: "http", containerPort: 8000 }],
              readinessProbe: {
                httpGet: { path: "/api/v2/heartbeat", port: "http" },
                periodSeconds: 2,
              },
              resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
              securityContext: restrictedContainer,
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "tmp", mountPath: "/tmp" },
              ],
            },
          ],
          volumes: [
            { name: "data", emptyDir: {} },
            { name: "tmp", emptyDir: {} },
          ],
        },
      },
    },
  };
  return [namespace, service, deployment];
}
