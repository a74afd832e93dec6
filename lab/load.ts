import { Agent, get } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "@mcp-fleet/errors";

/** One request that was not answered with a 2xx status in time. */
interface LoadFailure {
  /** ISO time the request was sent. */
  readonly at: string;
  readonly error: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly LoadFailure[];
  /** The slowest answer, in milliseconds. */
  readonly slowestMs: number;
}

export interface LoadOptions {
  /** Requests a second, sent on time whether or not earlier ones were answered. Default 10. */
  readonly perSecond?: number;
  /** Time limit of one request, in seconds. Default 5. */
  readonly timeoutSeconds?: number;
}

/**
 * Requests `url` repeatedly while `work` runs, and until every request is answered. Each one uses a connection
 * of its own, so that a Service routes it anew.
 *
 * @throws what `work` throws, after the requests have ended.
 */
export async function underLoad<T>(
  url: string,
  work: () => Promise<T>,
  options: LoadOptions = {},
): Promise<LoadResult & { readonly result: T }> {
  const interval = 1000 / (options.perSecond ?? 10);
  const timeoutMs = (options.timeoutSeconds ?? 5) * 1000;
  const agent = new Agent({ keepAlive: false });
  const failures: LoadFailure[] = [];
  const pending = new Set<Promise<void>>();
  let requests = 0;
  let slowestMs = 0;
  let finished = false;

  const send = async (): Promise<void> => {
    const sent = performance.now();
    const at = new Date().toISOString();
    try {
      const { status, body } = await request(url, agent, timeoutMs);
      slowestMs = Math.max(slowestMs, performance.now() - sent);
      if (status < 200 || status > 299)
        failures.push({
          at,
          error: [`status ${status}`, body.slice(0, shownLength)].filter(Boolean).join(": "),
        });
    } catch (error) {
      failures.push({ at, error: messageOf(error) });
    }
  };
  const sender = async (): Promise<void> => {
    for (let next = performance.now(); !finished; next += interval) {
      await sleep(Math.max(0, next - performance.now()));
      requests += 1;
      const one: Promise<void> = send().finally(() => pending.delete(one));
      pending.add(one);
    }
    await Promise.all(pending);
  };

  const sending = sender();
  try {
    const result = await work();
    return { result, ...(await stopSending()) };
  } finally {
    await stopSending();
    agent.destroy();
  }

  async function stopSending(): Promise<LoadResult> {
    finished = true;
    await sending;
    return { requests, failures, slowestMs: Math.round(slowestMs) };
  }
}

/** How many characters of a failed answer are reported. */
const shownLength = 200;

function request(
  url: string,
  agent: Agent,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent, timeout: timeoutMs }, (response) => {
      response.once("error", reject);
      // An answer counts once it is complete.
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.once("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.once("error", reject);
  });
}
