import { setTimeout as sleep } from "node:timers/promises";

import { cleanLine, timeLimit } from "@mcp-fleet/errors";

import { McpClient } from "./client";
import { ProbeFailure, seconds } from "./failure";
import { introduce, type Introduction } from "./handshake";
import { networkFailure } from "./network";
import { loadSchemas } from "./schemas";
import { masking, shownUrl } from "./shown";
import { lockProblem, type ToolDefinition } from "./tool-lock";
import type { ProbeOptions, ProbeResult, ProbeTarget } from "./types";
import { handshakeVersions } from "./versions";

/** The default time for retries of a target, in seconds. */
export const defaultDeadlineSeconds = 60;

/** How many attempts a failure gets that is most likely permanent. */
const fewAttempts = 3;

/**
 * Probes one server until it passes, fails permanently, or the deadline is over. Never throws because of the
 * server or the network: the result reports it.
 */
export async function probe(target: ProbeTarget, options: ProbeOptions = {}): Promise<ProbeResult> {
  const answerSeconds = target.answerSeconds ?? options.requestTimeoutSeconds ?? 10;
  const tryAgainSeconds = options.deadlineSeconds ?? defaultDeadlineSeconds;
  // A running request may finish; only an explicit deadline cuts it short.
  const deadlineSeconds = options.deadlineSeconds ?? Math.max(tryAgainSeconds, answerSeconds);
  const requestTimeoutSeconds = Math.min(answerSeconds, deadlineSeconds);
  const delayMs = (options.retryDelaySeconds ?? 1) * 1000;
  await loadSchemas(); // before the time begins to run
  const started = performance.now();
  const deadline = timeLimit(deadlineSeconds);

  let last: ProbeFailure | undefined;
  for (let attempts = 1; ; attempts += 1) {
    const attemptStarted = performance.now();
    try {
      const client = new McpClient(target, { requestTimeoutSeconds, deadline, deadlineSeconds });
      const define = options.definitions === true || target.lock !== undefined;
      const found = await introduce(client, options.protocols ?? handshakeVersions, define);
      const { definitions, ...answer } = { ...found, ...withoutCredentials(target, found) };
      checkTools(target, answer);
      checkLock(target, definitions);
      const asked = options.definitions === true && definitions !== undefined;
      return passed(
        target,
        { ...answer, ...(asked && { definitions }) },
        { attempts, latencyMs: since(attemptStarted) },
      );
    } catch (error) {
      const latencyMs = since(attemptStarted);
      const now = networkFailure(error, {
        signal: deadline,
        seconds: deadlineSeconds,
        what: "deadline",
        secure: target.url.startsWith("https:"),
      });
      // An attempt that the deadline cut short says less than the one before it.
      const failure = deadline.aborted && now.outcome === "timeout" ? (last ?? now) : now;
      last = failure;
      const spent = since(started);
      const out = tryAgainSeconds * 1000 - spent <= delayMs || deadline.aborted;
      const final =
        failure.retry === "never" || (failure.retry === "few" && attempts >= fewAttempts);
      if (final || out) return failed(target, failure, { attempts, latencyMs, spent });
      await sleep(delayMs);
    }
  }
}

/**
 * Probes all servers, `concurrency` at once. One that hangs does not delay the others.
 * @param onResult called with each result as soon as it is known
 * @returns the results in the order of `targets`
 */
export async function probeAll(
  targets: readonly ProbeTarget[],
  options: ProbeOptions = {},
  onResult?: (result: ProbeResult) => void,
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  const waiting = targets.entries();
  const worker = async (): Promise<void> => {
    for (const [index, target] of waiting) {
      const result = await probe(target, options);
      results[index] = result;
      onResult?.(result);
    }
  };
  const workers = Math.max(1, Math.min(options.concurrency ?? 16, targets.length));
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
}

function checkTools(target: ProbeTarget, answer: Introduction): void {
  const tools = answer.tools ?? [];
  const minTools = target.minTools ?? 1;
  const missing = (target.requiredTools ?? []).filter((name) => !tools.includes(name));
  const credentials = "its credentials or its backend may be missing";
  if (missing.length > 0) {
    throw new ProbeFailure(
      "missing-tools",
      "never",
      `lists ${count(tools.length)}, but not ${missing.join(", ")}; ${credentials}`,
    );
  }
  if (tools.length >= minTools) return;
  const lists =
    answer.tools === undefined ? "has no list of tools" : `lists ${count(tools.length)}`;
  throw new ProbeFailure(
    "missing-tools",
    "never",
    `speaks MCP ${answer.protocolVersion} but ${lists} where at least ${minTools} must be; ${credentials}`,
  );
}

/** The definitions as they may be shown. They are compared in this form too. */
function withoutCredentials(
  { headers = {} }: ProbeTarget,
  { definitions }: Introduction,
): Pick<Introduction, "definitions"> {
  if (definitions === undefined || Object.keys(headers).length === 0) return {};
  const mask = masking(headers, 8);
  const masked = (_: string, part: unknown): unknown => {
    if (typeof part === "string") return mask(part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [mask(key), value]));
  };
  return { definitions: JSON.parse(JSON.stringify(definitions), masked) as ToolDefinition[] };
}

function checkLock({ lock }: ProbeTarget, definitions: readonly ToolDefinition[] = []): void {
  const problem = lock === undefined ? undefined : lockProblem(lock, definitions);
  if (problem === undefined) return;
  throw new ProbeFailure("changed-tools", "never", `${problem}, against the tools lock`);
}

interface Timing {
  readonly attempts: number;
  readonly latencyMs: number;
}

function passed(target: ProbeTarget, answer: Introduction, timing: Timing): ProbeResult {
  const url = shownUrl(target.url);
  const message = `${target.name}: ${url} speaks MCP ${answer.protocolVersion} and lists ${count(answer.tools?.length ?? 0)}.`;
  return shown(target, {
    name: target.name,
    url,
    ok: true,
    outcome: "ok",
    message,
    ...answer,
    ...timing,
  });
}

function failed(
  target: ProbeTarget,
  failure: ProbeFailure,
  timing: Timing & { readonly spent: number },
): ProbeResult {
  const url = shownUrl(target.url);
  const { attempts, latencyMs, spent } = timing;
  const { outcome } = failure;
  const passes = outcome === "auth-required" && target.auth === "per-request";
  const tried = attempts > 1 ? ` (${attempts} attempts in ${seconds(spent / 1000)})` : "";
  const rest = outcome === "auth-required" ? credentialsText(target) : tried;
  return shown(target, {
    ...{ name: target.name, url, ok: passes, outcome },
    message: `${target.name}: ${url} ${masking(target.headers ?? {})(failure.reason)}${rest}.`,
    ...{ attempts, latencyMs },
  });
}

/** What a server that requires credentials means for this target; continues the sentence. */
function credentialsText({ auth, headers = {} }: ProbeTarget): string {
  if (auth === "per-request") return ', as auth: "per-request" expects; its tools were not listed';
  const own = Object.keys(headers).length > 0 ? "other " : "";
  return `; give it headers with ${own}credentials, or set auth: "per-request" if every client sends its own`;
}

/**
 * The only place where a result is created. It removes terminal control characters from what a server sent, and
 * the credentials that were sent to it. Short header values stay, because ordinary names contain them.
 */
function shown({ headers = {} }: ProbeTarget, result: ProbeResult): ProbeResult {
  const { protocolVersion, serverName, serverVersion, tools } = result;
  const mask = masking(headers, 8);
  const clean = (text: string, limit?: number): string => cleanLine(mask(text), limit);
  return {
    ...result,
    ...{ name: cleanLine(result.name), url: cleanLine(result.url) },
    message: cleanLine(result.message, 4000),
    ...(protocolVersion === undefined ? {} : { protocolVersion: clean(protocolVersion, 40) }),
    ...(serverName === undefined ? {} : { serverName: clean(serverName, 100) }),
    ...(serverVersion === undefined ? {} : { serverVersion: clean(serverVersion, 100) }),
    ...(tools === undefined ? {} : { tools: tools.map((name) => clean(name)) }),
  };
}

function count(tools: number): string {
  return tools === 1 ? "1 tool" : `${tools} tools`;
}

function since(start: number): number {
  return Math.round(performance.now() - start);
}
