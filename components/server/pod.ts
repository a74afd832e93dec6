import {
  claimTemplates,
  codePath,
  directoryVolumes,
  type ExtraContainer,
  fileVolume,
  type ServerVolume,
} from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { drainSeconds, hardenedPod, restrictedContainer, secretMode, withToken } from "../core";
import type { Server } from "./args";
import { serverContainer } from "./container";
import { orderedEnv } from "./env";
import { gateSidecar, gateVolumes } from "./gate";
import { placementSpec } from "./operations";
import { hasRights } from "./rights";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type Volume = k8s.types.input.core.v1.Volume;
type VolumeMount = k8s.types.input.core.v1.VolumeMount;

/** How long a process gets to end by itself, in seconds. */
const endSeconds = 10;

/** The pod of a server: itself, hardened, and what the stack puts beside it. */
export function serverPod(
  server: Server,
  labels: { name: string; component: string },
  secretName: pulumi.Input<string> | undefined,
): PodSpec {
  const drain = server.preStopSeconds ?? drainSeconds;
  const named = Object.entries(server.files).flatMap(([path, source]) =>
    typeof source === "string" ? [[path, source] as const] : [],
  );
  const { serviceAccount, user, group, hostAliases } = server;
  const files = filesOfOthers(server);
  const spec = hardenedPod({
    container: serverContainer(server, secretName),
    serviceAccountName: typeof serviceAccount === "string" ? serviceAccount : server.name,
    ...{ user, group },
    writable: server.writable,
    imagePullSecrets: server.imagePullSecrets ?? [],
    secretFiles:
      secretName === undefined || named.length === 0
        ? undefined
        : { secretName, keys: Object.fromEntries(named) },
    configDirectory:
      server.code === undefined ? undefined : { configMap: `${server.name}-code`, path: codePath },
    volumes: [...files.volumes, ...Object.entries(server.volumes).flatMap(volumeOf)],
    mounts: [...files.mounts, ...Object.entries(server.volumes).flatMap(mountOf)],
    placement: placementSpec(labels, server),
    drainSeconds: drain,
    graceSeconds: (server.terminationGraceSeconds ?? drain + endSeconds) - drain,
  });
  const beside = withContainers(spec, server);
  const aliased = { ...beside, hostAliases: hostAliases.length === 0 ? undefined : hostAliases };
  const pod = claimTemplates(server).length === 0 ? aliased : withKeptFiles(aliased);
  return hasRights(server) ? withToken(pod) : pod;
}

/** A claim's files get the pod's group once, and not file by file at every start. */
function withKeptFiles(spec: PodSpec): PodSpec {
  const context = spec.securityContext as k8s.types.input.core.v1.PodSecurityContext;
  return { ...spec, securityContext: { ...context, fsGroupChangePolicy: "OnRootMismatch" } };
}

/** Files out of Secrets and ConfigMaps that are not the server's own: a volume for each. */
function filesOfOthers({ files }: Server): { volumes: Volume[]; mounts: VolumeMount[] } {
  const found = Object.entries(files).flatMap(([mountPath, source], index) => {
    if (typeof source === "string") return [];
    const name = fileVolume(index);
    const from: Omit<Volume, "name"> =
      "secret" in source
        ? { secret: { secretName: source.secret, defaultMode: secretMode } }
        : { configMap: { name: source.configMap } };
    return [
      {
        volume: { name, ...from },
        mount: { name, mountPath, subPath: source.key, readOnly: true },
      },
    ];
  });
  return { volumes: found.map(({ volume }) => volume), mounts: found.map(({ mount }) => mount) };
}

/** None for a claim of the pod's own: the StatefulSet puts that one in. */
function volumeOf([name, volume]: [string, ServerVolume]): Volume[] {
  const { claim, claimTemplate, configMap, secret, emptyDir, readOnly } = volume;
  if (claimTemplate !== undefined) return [];
  if (claim !== undefined) return [{ name, persistentVolumeClaim: { claimName: claim, readOnly } }];
  if (configMap !== undefined) return [{ name, configMap: { name: configMap } }];
  if (secret !== undefined)
    return [{ name, secret: { secretName: secret, defaultMode: secretMode } }];
  const { sizeLimit, memory } = emptyDir ?? {};
  return [{ name, emptyDir: { sizeLimit, medium: memory === true ? "Memory" : undefined } }];
}

function mountOf([name, { mount, subPath, readOnly }]: [string, ServerVolume]): VolumeMount[] {
  return mount === undefined ? [] : [{ name, mountPath: mount, subPath, readOnly }];
}

/** Sidecars come first: what runs before the server may need them too. */
function withContainers(spec: PodSpec, server: Server): PodSpec {
  const own = (container: ExtraContainer): Container => ({
    name: container.name,
    image: container.image,
    imagePullPolicy: "IfNotPresent",
    command: container.command,
    args: container.args,
    env: orderedEnv(`McpServer ${server.name}, ${container.name}`, container.env, undefined),
    resources: container.resources,
    securityContext: restrictedContainer,
    volumeMounts: [
      ...directories(container).map(([name, mountPath]) => ({ name, mountPath })),
      ...Object.entries(container.mounts).map(([name, mountPath]) => ({
        ...{ name, mountPath, readOnly: server.volumes[name]?.readOnly },
      })),
    ],
  });
  const { sidecars, initContainers } = server;
  const all = [...sidecars, ...initContainers];
  const gate = gateSidecar(server);
  if (all.length === 0 && gate === undefined) return spec;
  return {
    ...spec,
    initContainers: [
      ...(gate === undefined ? [] : [gate]),
      ...sidecars.map((one) => ({ ...own(one), restartPolicy: "Always" })),
      ...initContainers.map(own),
    ],
    volumes: [
      ...(spec.volumes as Volume[]),
      ...gateVolumes(server),
      ...all.flatMap((one) => directories(one).map(([name]) => ({ name, emptyDir: {} }))),
    ],
  };
}

const directories = ({ name, writable }: ExtraContainer) => directoryVolumes(writable, `${name}-`);
