import type * as k8s from "@kubernetes/client-node";
import { isUserError } from "@mcp-fleet/errors";
import { type Kube, openPortForward } from "@mcp-fleet/kube";
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
  /** Path of the MCP endpoint. @default "/mcp" */
  readonly path?: string;
  /** How long one server may take, in seconds. @default 10 */
  readonly timeoutSeconds?: number;
}

/**
 * Asks a server through a port-forward to a ready pod behind its first Service: from outside of the cluster no Service
 * address can be called, and inside a NetworkPolicy keeps strangers out. So it shows that the server answers, not that
 * the application may call it; that is what `mcp-fleet verify` shows. A server that wants credentials counts as answering.
 */
export async function probeServer(
  kube: Kube,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  services: readonly k8s.V1Service[],
  { path = "/mcp", timeoutSeconds = 10 }: ProbeOptions,
): Promise<ProbeAnswer> {
  const service = services[0]?.metadata?.name;
  const port = services[0]?.spec?.ports?.[0]?.port;
  if (service === undefined || port === undefined) {
    return { ok: false, message: `${name}: no Service leads to its pods.` };
  }
  try {
    const forward = await openPortForward(
      kube,
      { namespace, service, port },
      {
        subject: `server ${name}`,
        setting: `Service ${service}`,
      },
    );
    try {
      const url = `http://127.0.0.1:${forward.port}${path}`;
      const { ok, message, protocolVersion, tools, latencyMs } = await asked(
        { name, url, auth: "per-request", minTools: 0 },
        { deadlineSeconds: timeoutSeconds, requestTimeoutSeconds: timeoutSeconds },
      );
      return {
        ok,
        message: forward.failure()?.problem ?? message.replace(url, `port ${port}, ${path},`),
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

/** A server of any era answers; which one a client needs is what `verify` looks at. */
async function asked(target: ProbeTarget, limits: Limits): Promise<ProbeResult> {
  const result = await probe(target, limits);
  if (result.outcome !== "no-shared-protocol") return result;
  return probe(target, { ...limits, protocols: [modernVersion] });
}
