import { X509Certificate } from "node:crypto";
import { isIP, type LookupFunction } from "node:net";
import { getCACertificates } from "node:tls";

import type * as Undici from "undici";

import { ProbeFailure } from "./failure";
import type { ProbeTarget } from "./types";

/** All attempts at a target share one connection pool, as in other clients. */
const agents = new WeakMap<ProbeTarget, Promise<Undici.Agent>>();

/**
 * The `fetch` for a target: Node.js' own, or undici's where the target has an authority, another server name or an address.
 * The process's own trust does not change.
 */
export function fetchOf(target: ProbeTarget): typeof fetch {
  const { ca, serverName, address } = target;
  if (ca === undefined && serverName === undefined && address === undefined) return fetch;
  return async (url, options) => {
    const agent = agents.get(target) ?? agentOf(target);
    agents.set(target, agent);
    const undici = await loadUndici();
    // The two packages have different types for the same standard.
    const request: unknown = [url, { ...options, dispatcher: await agent }];
    return await undici.fetch(...(request as Parameters<typeof undici.fetch>));
  };
}

let loaded: Promise<typeof Undici> | undefined;

/** Where Node.js' own `fetch` finds its agent; older versions read only the first. */
const agentsOfNode = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));

/**
 * Loading undici replaces the agent of Node.js' `fetch`, and Node.js 22 would lose a proxy from the environment.
 * So the previous agent is restored.
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

async function agentOf({
  ca,
  serverName: servername,
  address,
}: ProbeTarget): Promise<Undici.Agent> {
  const own = ca === undefined ? [] : certificatesIn(ca);
  const undici = await loadUndici();
  return new undici.Agent({
    // Like Node.js' own fetch and other MCP clients, which cannot use a server that speaks HTTP/2 only.
    allowH2: false,
    connect: {
      ca: [...getCACertificates("default"), ...own],
      ...(servername === undefined ? {} : { servername }),
      ...(address === undefined ? {} : { lookup: lookupOf(address) }),
    },
  });
}

/** Every name is at this address. */
function lookupOf(address: string): LookupFunction {
  const found = { address, family: isIP(address) };
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [found]);
    else callback(null, found.address, found.family);
  };
}

/** @throws {ProbeFailure} for a text without certificates, and for an invalid one */
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
