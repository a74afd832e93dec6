import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";

import type * as Undici from "undici";

import { ProbeFailure } from "./failure";
import type { ProbeTarget } from "./types";

/** Connections to a target are one pool for all its attempts, as they are for others. */
const agents = new WeakMap<ProbeTarget, Promise<Undici.Agent>>();

/**
 * How a target is asked: by Node.js' own `fetch`, and where it has an authority or another name by the same fetch of
 * undici, whose connections have a trust of their own. Nothing of this process's trust changes.
 */
export function fetchOf(target: ProbeTarget): typeof fetch {
  if (target.ca === undefined && target.serverName === undefined) return fetch;
  return async (url, options) => {
    const agent = agents.get(target) ?? agentOf(target);
    agents.set(target, agent);
    const undici = await loadUndici();
    // The two packages' types of one and the same standard.
    const request: unknown = [url, { ...options, dispatcher: await agent }];
    return await undici.fetch(...(request as Parameters<typeof undici.fetch>));
  };
}

let loaded: Promise<typeof Undici> | undefined;

/** What Node.js' own `fetch` asks with; older versions of it know the first alone. */
const agentsOfNode = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));

/**
 * As it is loaded, undici makes an agent of its own the one of Node.js' `fetch` too: Node.js 22 would forget a proxy that it
 * has from the environment. So what was there is put back.
 */
function loadUndici(): Promise<typeof Undici> {
  loaded ??= (async () => {
    const before = agentsOfNode.map((one) => [one, Reflect.get(globalThis, one)] as const);
    const undici = await import("undici");
    for (const [one, agent] of before) Reflect.set(globalThis, one, agent);
    return undici;
  })();
  return loaded;
}

async function agentOf({ ca, serverName: servername }: ProbeTarget): Promise<Undici.Agent> {
  const own = ca === undefined ? [] : certificatesIn(ca);
  const undici = await loadUndici();
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
