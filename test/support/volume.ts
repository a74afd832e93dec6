import type { V1PersistentVolume } from "@kubernetes/client-node";

/** A volume of the storage class `name`: a directory of this machine, which the bare lab has no provisioner for. */
export const hostVolume = (name: string, path: string): V1PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "64Mi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName: name,
    persistentVolumeReclaimPolicy: "Retain",
    hostPath: { path, type: "Directory" },
  },
});
