import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { probeAll, type ProbeTarget } from "@mcp-fleet/mcp-probe";

import { hangingPath } from "./endpoints";
import { alternately } from "./process";
import { record } from "./results";

const concurrency = 16;
const goals = { probe: 1.3, hanging: 1.2 };

/**
 * The probe of many endpoints beside a bare loop of `fetch` that sends the same requests, as many at once.
 * @param args endpoints, with the number of pairs where that is to be another. Default: 1000x9
 */
export async function benchProbe([size = "1000"]: readonly string[]): Promise<void> {
  const [endpoints = 1000, rounds = 9] = size.split("x").map(Number);
  const server = spawn(process.execPath, [join(__dirname, "endpoints.js")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    const base = `http://127.0.0.1:${String(port).trim()}`;
    const urls = Array.from({ length: endpoints }, (_, n) => `${base}/server-${n}/mcp`);
    const ours = (): Promise<number> => timed(() => probeThem(targetsOf(urls)));
    const peer = (): Promise<number> => timed(() => fetchThem(urls));
    await ours();
    await peer();
    const pairs = await alternately(rounds, ours, peer);
    const hanging = await alternately(rounds, () => othersOf(base, urls), ours);
    const label = `${endpoints.toLocaleString("en")} endpoints`;
    record(`probe of ${label}, fetch`, "s", goals.probe, pairs);
    record(`probe of ${label}, the others while one hangs`, "s", goals.hanging, hanging);
  } finally {
    server.kill();
  }
}

function targetsOf(urls: readonly string[]): ProbeTarget[] {
  return urls.map((url, n) => ({ name: `server-${n}`, url }));
}

async function probeThem(targets: readonly ProbeTarget[]): Promise<void> {
  const results = await probeAll(targets, { concurrency });
  const failed = results.find(({ ok }) => !ok);
  if (failed !== undefined) throw new Error(failed.message);
}

/** How long the others take when the first endpoint never answers, in seconds. */
async function othersOf(base: string, urls: readonly string[]): Promise<number> {
  const targets = [{ name: "hangs", url: base + hangingPath }, ...targetsOf(urls)];
  const started = performance.now();
  let last = started;
  const limits = { concurrency, deadlineSeconds: 5, requestTimeoutSeconds: 5 };
  await probeAll(targets, limits, ({ ok }) => {
    if (ok) last = performance.now();
  });
  return (last - started) / 1000;
}

/** The requests of one probe each, without a look at the answers. */
async function fetchThem(urls: readonly string[]): Promise<void> {
  const waiting = urls.values();
  const worker = async (): Promise<void> => {
    for (const url of waiting) {
      for (const body of bodies) await send(url, { method: "POST", body });
      await send(url, { method: "DELETE" });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

const bodies = [
  {
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "bench", version: "1" },
    },
  },
  { method: "notifications/initialized" },
  { id: 2, method: "tools/list", params: {} },
].map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));

async function send(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, {
    ...init,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-session-id": "bench",
    },
  });
  await response.text();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
