import type { V1Service } from "@kubernetes/client-node";
import { isUserError } from "@mcp-fleet/errors";
import {
  authorityOf,
  caAnnotation,
  carrierOf,
  isReady,
  type Kube,
  openPortForward,
  podsOf,
  readObjectKey,
  type Server,
  startSeconds,
  type Workload,
} from "@mcp-fleet/kube";
import {
  modernVersion,
  probe,
  type ProbeOptions as Limits,
  type ProbeResult,
  type ProbeTarget,
} from "@mcp-fleet/mcp-probe";

import type { ProbeAnswer } from "./types";

/** How a server is asked. */
export interface ProbeOptions {
  /** Path of the MCP endpoint. @default that of its Service's annotation, else "/mcp" */
  readonly path?: string;
  /** How long one server may take, in seconds. @default what it has to start, between 10 and 60 */
  readonly timeoutSeconds?: number;
}

/** A server that starts a process for each client takes as long for its answer as for its start. */
const patience = (workload: Workload): number => Math.min(60, Math.max(10, startSeconds(workload)));

/**
 * Asks a server through a port-forward to a ready pod of its own, at the port that its Service leads to: from outside of the
 * cluster no Service address can be called, and inside a NetworkPolicy keeps strangers out. So it shows that the server
 * answers, not that the application may call it; that is what `mcp-fleet verify` shows. A server that wants credentials
 * counts as answering. Of one that serves TLS the certificate is checked for the Service's name, with the authority that the
 * Service's annotation names.
 */
export async function probeServer(
  kube: Kube,
  server: Server,
  { path, timeoutSeconds }: ProbeOptions,
): Promise<ProbeAnswer> {
  const { name, namespace, workload } = server;
  const seconds = timeoutSeconds ?? patience(workload);
  const carrier = carrierOf(server);
  if (carrier === undefined) return { ok: false, message: `${name}: ${server.unreachable}.` };
  const { service, mcp } = carrier;
  const port = mcp.target ?? mcp.port.port;
  try {
    const pod = (await podsOf(kube, workload)).find(isReady)?.metadata?.name;
    if (pod === undefined) return { ok: false, message: `${name}: none of its pods is ready.` };
    const trust = mcp.scheme === "https" ? await trustOf(kube, service) : {};
    const forward = await openPortForward(
      kube,
      { namespace, pod, port },
      { subject: `server ${name}`, setting: `Service ${service.metadata?.name}` },
    );
    try {
      const asked = path ?? carrier.path;
      const url = `${mcp.scheme}://127.0.0.1:${forward.port}${asked}`;
      const { ok, message, protocolVersion, tools, latencyMs } = await askedInItsEra(
        { name, url, auth: "per-request", minTools: 0, ...trust },
        { deadlineSeconds: seconds, requestTimeoutSeconds: seconds },
      );
      const shown = message.replace(url, `port ${mcp.port.port}, ${asked},`);
      return {
        ok,
        message: forward.failure()?.problem ?? shown,
        ...(protocolVersion === undefined ? {} : { protocolVersion }),
        ...(tools === undefined ? {} : { tools }),
        latencyMs,
      };
    } finally {
      await forward.close();
    }
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { ok: false, message: error.problem };
  }
}

/** The forwarded port is at another address than the certificate names. */
async function trustOf(
  kube: Kube,
  service: V1Service,
): Promise<Pick<ProbeTarget, "ca" | "serverName">> {
  const { name = "", namespace = "" } = service.metadata ?? {};
  const serverName = `${name}.${namespace}.svc.cluster.local`;
  const authority = authorityOf(service);
  if (authority === undefined) return { serverName };
  const owner = `Service ${name}, ${caAnnotation}`;
  return { serverName, ca: await readObjectKey(kube, namespace, authority, owner) };
}

/** A server of any era answers; which one a client needs is what `verify` looks at. */
async function askedInItsEra(target: ProbeTarget, limits: Limits): Promise<ProbeResult> {
  const result = await probe(target, limits);
  if (result.outcome !== "no-shared-protocol") return result;
  return probe(target, { ...limits, protocols: [modernVersion] });
}
