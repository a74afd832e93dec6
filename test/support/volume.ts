import type { V1PersistentVolume } from "@kubernetes/client-node";

/** A volume of a storage class of its own name: a directory of this machine, which the bare lab has no provisioner for. */
export const hostVolume = (
  name: string,
  path: string,
  storageClassName = name,
): V1PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "64Mi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName,
    persistentVolumeReclaimPolicy: "Retain",
    hostPath: { path, type: "Directory" },
  },
});
