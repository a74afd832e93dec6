import { jsonForEnv, UserError } from "@mcp-fleet/errors";
import type { GateInput } from "@mcp-fleet/mcp-probe";
import { gateContainer, gateOf, gateVolume, requestSecondsOf } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";

import { restrictedContainer, secretMode } from "../core";
import type { Server } from "./args";
import { urlOf } from "./operations";

type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;
type Volume = k8s.types.input.core.v1.Volume;

/** Where the gate has the authority of the server's certificate. */
const [authorityDirectory, authorityFile] = ["/authority", "ca.crt"];

/** Of the memory most is Node.js itself; of the CPU it needs the limit at its start alone. */
const resources = {
  requests: { cpu: "5m", memory: "48Mi" },
  limits: { cpu: "500m", memory: "96Mi" },
};

/**
 * The gate of a server's pod: a native sidecar that asks the server as its clients do, at the pod's own address, and is ready
 * once it has answered. It has no startup probe, since the server's container would wait for that.
 *
 * @throws {UserError} without an image for it
 */
export function gateSidecar(server: Server): Container | undefined {
  const gate = gateOf(server);
  if (gate === undefined) return undefined;
  const { name, gateImage } = server;
  if (gateImage === undefined)
    throw new UserError(
      `McpServer ${name}: the gate has no image.`,
      "Set gateImage to an image built from images/probe.",
    );
  const { port } = gate;
  const settings: GateInput = { target: targetOf(server), ...gate };
  return {
    ...{ name: gateContainer, image: gateImage, imagePullPolicy: "IfNotPresent" },
    restartPolicy: "Always",
    // The heap of a process that asks one server; the default takes half of the limit before it collects garbage.
    command: ["node", "--max-old-space-size=32", "/app/mcp-probe.js"],
    args: ["gate"],
    env: [
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      {
        name: "MCP_PROBE_GATE",
        value: jsonForEnv(settings),
      },
    ],
    ports: [{ name: "gate", containerPort: port, protocol: "TCP" }],
    readinessProbe: { ...asked("/ready", port), periodSeconds: 2, failureThreshold: 1 },
    resources,
    securityContext: restrictedContainer,
    ...(server.tls?.ca === undefined
      ? {}
      : { volumeMounts: [{ name: gateVolume, mountPath: authorityDirectory, readOnly: true }] }),
  };
}

/** The liveness check of the server where it rests on the gate; undefined where it does not. */
export function gateLiveness(server: Server): Probe | undefined {
  const gate = gateOf(server);
  return gate?.restartSeconds === undefined ? undefined : asked("/live", gate.port);
}

const asked = (path: string, port: number): Probe => ({
  httpGet: { path, port },
  timeoutSeconds: 3,
});

/** What the gate mounts: the authority of the server's certificate, where that is not a public one. */
export function gateVolumes(server: Server): Volume[] {
  const ca = server.tls?.ca;
  if (ca === undefined || gateOf(server) === undefined) return [];
  // Without it the gate says so; a pod that waits for a volume says nothing.
  const source = { items: [{ key: ca.key, path: authorityFile }], optional: true };
  return [
    {
      name: gateVolume,
      ...("secret" in ca
        ? { secret: { ...source, secretName: ca.secret, defaultMode: secretMode } }
        : { configMap: { ...source, name: ca.configMap } }),
    },
  ];
}

/** It has no credential: of a server that wants one, MCP's own refusal is the answer. */
function targetOf(server: Server): GateInput["target"] {
  const { key, name, requiredTools, minTools, lock } = server;
  const refuses = server.auth === "per-request" || Object.keys(server.headers).length > 0;
  return {
    ...{ name: key ?? name, url: urlOf(server), requiredTools, minTools },
    ...(lock === undefined ? {} : { lock }),
    auth: refuses ? "per-request" : "none",
    answerSeconds: requestSecondsOf(server),
    ...(server.tls?.ca === undefined ? {} : { caFile: `${authorityDirectory}/${authorityFile}` }),
  };
}
