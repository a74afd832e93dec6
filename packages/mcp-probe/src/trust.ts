import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";

import type { Agent } from "undici";

import { ProbeFailure } from "./failure";
import type { ProbeTarget } from "./types";

/** Connections to a target are one pool for all its attempts, as they are for others. */
const agents = new WeakMap<ProbeTarget, Promise<Agent>>();

/**
 * How a target is asked: by Node.js' own `fetch`, and where it has an authority or another name by the same fetch of
 * undici, whose connections have a trust of their own. Nothing of this process's trust changes.
 */
export function fetchOf(target: ProbeTarget): typeof fetch {
  if (target.ca === undefined && target.serverName === undefined) return fetch;
  return async (url, options) => {
    const agent = agents.get(target) ?? agentOf(target);
    agents.set(target, agent);
    const undici = await import("undici");
    // The two packages' types of one and the same standard.
    const request: unknown = [url, { ...options, dispatcher: await agent }];
    return await undici.fetch(...(request as Parameters<typeof undici.fetch>));
  };
}

async function agentOf({ ca, serverName: servername }: ProbeTarget): Promise<Agent> {
  const own = ca === undefined ? [] : certificatesIn(ca);
  const undici = await import("undici");
  return new undici.Agent({
    // As Node.js' own fetch and other MCP clients: what speaks HTTP/2 alone is of no use to them.
    allowH2: false,
    connect: {
      ca: [...getCACertificates("default"), ...own],
      ...(servername === undefined ? {} : { servername }),
    },
  });
}

/** @throws {ProbeFailure} for a text without one, and for one that cannot be read */
function certificatesIn(pem: string): string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw unusable("holds no certificate in PEM");
  for (const one of found) {
    try {
      new X509Certificate(one);
    } catch {
      throw unusable("holds a certificate that cannot be read");
    }
  }
  return found;
}

function unusable(why: string): ProbeFailure {
  return new ProbeFailure(
    "unreachable",
    "never",
    `cannot be asked: what its tls.ca names ${why}; name the key with the authority's certificate, mostly ca.crt`,
  );
}
