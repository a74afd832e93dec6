import type * as k8s from "@pulumi/kubernetes";

import { secretMode } from "../core";
import type { StudioArgs } from "./args";

type Trust = StudioArgs["trust"];
type Volume = k8s.types.input.core.v1.Volume;
type VolumeMount = k8s.types.input.core.v1.VolumeMount;

const directory = "/etc/mcp-fleet/ca";
const name = "authority";

/** Variables that name the authority's file. */
export function trustEnv(trust: Trust): { env?: k8s.types.input.core.v1.EnvVar[] } {
  if (trust === undefined) return {};
  const value = `${directory}/${trust.ca.key}`;
  return { env: trust.variables.map((variable) => ({ name: variable, value })) };
}

/** The file itself. Of a Secret no other key is mounted: a certificate's own stands beside its authority. */
export function trustMounts(trust: Trust): { volumes?: Volume[]; mounts?: VolumeMount[] } {
  if (trust === undefined) return {};
  const { ca } = trust;
  const items = [{ key: ca.key, path: ca.key }];
  const volume: Volume =
    "secret" in ca
      ? { name, secret: { secretName: ca.secret, items, defaultMode: secretMode } }
      : { name, configMap: { name: ca.configMap, items } };
  return { volumes: [volume], mounts: [{ name, mountPath: directory, readOnly: true }] };
}
