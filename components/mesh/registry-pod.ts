import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { hardenedPod } from "../core";
import type { RegistryStorage } from "./registry-args";
import type { MeshRegistryArgs } from "./registry-args";

/** User id of the published image. */
const registryUser = 1001;
const dataPath = "/data";

/** The registry's SQLite file, on the volume of {@link registryClaims}. */
export const sqliteFile = `${dataPath}/registry.db`;

/**
 * The pod of the registry.
 * @param settings the ConfigMap whose keys become environment variables
 */
export function registryPod(
  args: MeshRegistryArgs,
  settings: pulumi.Input<string>,
): k8s.types.input.core.v1.PodSpec {
  const { storage } = args;
  const health = { httpGet: { path: "/health", port: "http" } };
  return hardenedPod({
    container: {
      name: "registry",
      image: args.image,
      args: ["--host", "0.0.0.0", "--port", String(args.port)],
      ports: [{ name: "http", containerPort: args.port, protocol: "TCP" }],
      envFrom: [{ configMapRef: { name: settings } }],
      ...(storage.kind === "sqlite"
        ? {}
        : {
            env: [
              {
                name: "DATABASE_URL",
                valueFrom: { secretKeyRef: { name: storage.secret, key: storage.key } },
              },
            ],
          }),
      resources: args.resources ?? {
        requests: { cpu: "50m", memory: "64Mi" },
        limits: { cpu: "1", memory: "512Mi" },
      },
      startupProbe: { ...health, periodSeconds: 2, failureThreshold: 60 },
      readinessProbe: { ...health, periodSeconds: 5, timeoutSeconds: 3 },
      livenessProbe: { ...health, periodSeconds: 10, timeoutSeconds: 5 },
    },
    serviceAccountName: args.serviceName,
    user: registryUser,
    writable: [],
    ...(storage.kind === "sqlite" ? { claims: { data: dataPath } } : {}),
    imagePullSecrets: args.imagePullSecrets ?? [],
    graceSeconds: 20,
  });
}

/** The claim of a registry with SQLite; none with PostgreSQL. */
export function registryClaims(storage: RegistryStorage): {
  volumeClaimTemplates?: k8s.types.input.core.v1.PersistentVolumeClaim[];
} {
  if (storage.kind === "postgresql") return {};
  const { size, storageClass } = storage;
  return {
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: storageClass,
          resources: { requests: { storage: size } },
        },
      },
    ],
  };
}
