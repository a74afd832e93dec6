import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";

import type { Kube } from "./connect";
import { asking, oneLine, UnreachableError } from "./errors";
import { isReady } from "./pods";

/** A port of a Service's pod, or of a pod, reached through the Kubernetes API. */
export interface PortForwardRef {
  readonly namespace: string;
  readonly service?: string;
  readonly pod?: string;
  /** The Service's port, or the pod's with `pod`. */
  readonly port: number;
}

/** Names for messages: what is behind the port, such as `the database`, and the setting that configures it. */
export interface ForwardNames {
  readonly subject: string;
  readonly setting: string;
}

/** A local port that leads to a pod's port. */
export interface PortForward {
  /** On 127.0.0.1, chosen by the system. */
  readonly port: number;
  /** Why the last connection failed; undefined when none did. */
  failure(): UserError | undefined;
  /** Ends the listener and every connection through it. */
  close(): Promise<void>;
}

/** What is used of a WebSocket. */
interface Tunnel {
  onclose: () => void;
  onerror: () => void;
  close(): void;
}

/** One pod's port. */
interface PodPort {
  readonly pod: string;
  readonly port: number;
}

/**
 * Opens a TCP listener whose connections go through the Kubernetes API to one pod.
 * @throws {UserError} when the Service or pod is not there, or has no ready pod
 */
export async function openPortForward(
  kube: Kube,
  ref: PortForwardRef,
  names: ForwardNames,
): Promise<PortForward> {
  const target = await resolve(kube, ref, names);
  const client = await import("@kubernetes/client-node");
  const forwarder = new client.PortForward(kube.config);
  const sockets = new Set<Socket>();
  let failure: UserError | undefined;

  const carry = async (socket: Socket): Promise<void> => {
    failure = undefined;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const refusal = new PassThrough();
    refusal.on("data", (body: Buffer) => {
      failure = broken(ref, target, names, oneLine(body.toString()));
      socket.destroy();
    });
    try {
      const { namespace } = ref;
      // Without a retry count the client answers with its WebSocket, whose own types are not installed.
      const opening: Promise<unknown> = forwarder.portForward(
        namespace,
        target.pod,
        [target.port],
        socket,
        refusal,
        socket,
      );
      const ws = (await opening) as Tunnel;
      ws.onclose = () => socket.end();
      ws.onerror = () => socket.destroy();
      socket.on("close", () => ws.close());
      if (socket.destroyed) ws.close();
    } catch (error) {
      failure = broken(ref, target, names, handshakeReason(error));
      socket.destroy();
    }
  };

  const server = createServer((socket) => void carry(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: portOf(server),
    failure: () => failure,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function resolve(kube: Kube, ref: PortForwardRef, names: ForwardNames): Promise<PodPort> {
  const { namespace, service, pod, port } = ref;
  if (pod !== undefined) {
    const found = await asking(kube, `read pod ${namespace}/${pod}`, () =>
      kube.core.readNamespacedPod({ namespace, name: pod }),
    );
    if (!isReady(found)) throw notReady(`Pod ${namespace}/${pod} is not ready`, names);
    return { pod, port };
  }
  if (service === undefined) {
    throw new UserError(
      `${names.setting} names neither a service nor a pod.`,
      "Set one of them, beside namespace and port.",
    );
  }
  const found = await asking(kube, `read Service ${namespace}/${service}`, () =>
    kube.core.readNamespacedService({ namespace, name: service }),
  );
  const selector = found.spec?.selector ?? {};
  if (Object.keys(selector).length === 0) {
    throw new UserError(
      `Service ${namespace}/${service} has no selector, so there is no pod to forward a port from.`,
      `Name a pod in ${names.setting}, or reach ${names.subject} directly.`,
    );
  }
  const entry = found.spec?.ports?.find((candidate) => candidate.port === port);
  if (entry === undefined) {
    const ports = (found.spec?.ports ?? []).map((candidate) => candidate.port).join(", ");
    throw new UserError(
      `Service ${namespace}/${service} has no port ${port}; it has ${ports === "" ? "none" : ports}.`,
      `Set the port in ${names.setting}.`,
    );
  }
  const labelSelector = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const pods = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  const ready = pods.items.find((candidate) => isReady(candidate));
  if (ready === undefined)
    throw notReady(`Service ${namespace}/${service} has no ready pod`, names);
  return { pod: ready.metadata?.name ?? "", port: targetPort(ready, entry) };
}

/** The pod's own port behind a Service's: a number, or the name of a container port. */
function targetPort(
  pod: k8s.V1Pod,
  { port, targetPort: target = port }: k8s.V1ServicePort,
): number {
  if (typeof target === "number") return target;
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === target)?.containerPort ?? port;
}

function notReady(problem: string, { subject }: ForwardNames): UserError {
  return new UnreachableError(
    `${problem}, so ${subject} cannot be reached.`,
    "Wait until it is, then run again.",
  );
}

function broken(
  ref: PortForwardRef,
  target: PodPort,
  names: ForwardNames,
  reason: string,
): UserError {
  return new UnreachableError(
    `The port-forward to port ${target.port} of pod ${ref.namespace}/${target.pod} failed: ${reason}.`,
    `Check ${names.setting}, and that the kubeconfig's identity may create pods/portforward.`,
  );
}

/** The reason of a refused WebSocket upgrade. The event wraps an error that holds the status alone. */
function handshakeReason(error: unknown): string {
  if (typeof error === "object" && error !== null && "message" in error)
    return oneLine(String(error.message));
  return "the Kubernetes API refused it";
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
