import { randomUUID } from "node:crypto";

import { cleanText, isUserError } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";
import {
  getMcpStatus,
  listMcpServers,
  scaleMcp,
  startMcp,
  stopMcp,
  type WaitOptions,
} from "@mcp-fleet/lifecycle";
import { traced, withRun } from "@mcp-fleet/telemetry";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "pino";
import { z } from "zod";

import { Calls, maxCalls } from "./calls";
import { forceIsOff, managedServer, type ManagerPolicy } from "./policy";
import {
  changeOutput,
  listOutput,
  nameInput,
  replicasInput,
  statusOutput,
  timeoutInput,
} from "./schemas";

/** The manager's dependencies and settings. */
export interface ManagerOptions {
  /** The version of mcp-fleet, which clients see. */
  readonly version: string;
  /** The tools can reach its namespace only. */
  readonly kube: Kube;
  readonly policy: ManagerPolicy;
  readonly log: Logger;
  /**
   * Counts the calls of all connections.
   * @default each connection has its own
   */
  readonly calls?: Calls;
}

type Options = ManagerOptions & { readonly calls: Calls };
type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const readOnly = { readOnlyHint: true, openWorldHint: false };
/** Sets a state, so a second call has no further effect. */
const setsState = { readOnlyHint: false, idempotentHint: true, openWorldHint: false };

/** An MCP server with the lifecycle tools. Each connection needs its own, because a transport serves one. */
export function createManager(given: ManagerOptions): McpServer {
  const options = { ...given, calls: given.calls ?? new Calls() };
  const server = new McpServer(
    { name: "mcp-fleet", version: options.version },
    {
      instructions: `Lifecycle of the MCP servers in the Kubernetes namespace ${options.kube.namespace}.`,
    },
  );
  registerReading(server, options);
  registerChanging(server, options);
  if (options.policy.allowScaleToZero) registerStop(server, options);
  return server;
}

function registerReading(server: McpServer, { kube, log, calls }: Options): void {
  server.registerTool(
    "list_mcp_servers",
    {
      title: "List MCP servers",
      description:
        "The MCP servers of the namespace with status, why it is not running, replicas and endpoints.",
      outputSchema: listOutput,
      annotations: readOnly,
    },
    () =>
      answer({ log, calls }, "list_mcp_servers", {}, async () => ({
        servers: await listMcpServers(kube),
      })),
  );
  server.registerTool(
    "get_mcp_status",
    {
      title: "Status of an MCP server",
      description:
        "One server in detail: replicas, endpoints, conditions, last activity, and what keeps its pods from being ready.",
      inputSchema: { name: nameInput },
      outputSchema: statusOutput,
      annotations: readOnly,
    },
    ({ name }) =>
      answer({ log, calls }, "get_mcp_status", { name }, () => getMcpStatus(kube, name)),
  );
}

function registerChanging(server: McpServer, { kube, log, policy, calls }: Options): void {
  server.registerTool(
    "start_mcp",
    {
      title: "Start an MCP server",
      description: "Scales a stopped server to one replica. A server that has replicas keeps them.",
      inputSchema: {
        name: nameInput,
        wait_ready: z.boolean().default(true).describe("Wait until it is ready"),
        timeout: timeoutInput,
      },
      outputSchema: changeOutput,
      annotations: { ...setsState, destructiveHint: false },
    },
    ({ name, wait_ready: wait, timeout }, extra) =>
      answer({ log, calls }, "start_mcp", { name, wait }, async () => {
        const server = await managedServer(policy, kube, name);
        return startMcp(kube, server, { wait, ...waiting(timeout, extra) });
      }),
  );
  server.registerTool(
    "scale_mcp",
    {
      title: "Scale an MCP server",
      description:
        "Sets how many replicas a server has. Fewer replicas end pods and their sessions.",
      inputSchema: {
        name: nameInput,
        replicas: policy.allowScaleToZero
          ? replicasInput
          : replicasInput.min(1, "Bringing a server to no replica is switched off in this manager"),
        wait_ready: z
          .boolean()
          .default(false)
          .describe("Wait until all are ready, or none is left"),
        timeout: timeoutInput,
      },
      outputSchema: changeOutput,
      annotations: { ...setsState, destructiveHint: true },
    },
    ({ name, replicas, wait_ready: wait, timeout }, extra) =>
      answer({ log, calls }, "scale_mcp", { name, replicas, wait }, async () => {
        const server = await managedServer(policy, kube, name);
        return scaleMcp(kube, server, replicas, { wait, ...waiting(timeout, extra) });
      }),
  );
}

function registerStop(server: McpServer, { kube, log, policy, calls }: Options): void {
  const force = z
    .boolean()
    .default(false)
    .describe(
      policy.allowForceStop
        ? "End its pods at once, without their grace period"
        : "Switched off here: has to be false",
    );
  server.registerTool(
    "stop_mcp",
    {
      title: "Stop an MCP server",
      description: "Scales a server to no replica; its pods end with their grace period.",
      inputSchema: { name: nameInput, force, timeout: timeoutInput },
      outputSchema: changeOutput,
      annotations: { ...setsState, destructiveHint: true },
    },
    ({ name, force: forced, timeout }, extra) =>
      answer({ log, calls }, "stop_mcp", { name, force: forced }, async () => {
        if (forced && !policy.allowForceStop) throw forceIsOff();
        const server = await managedServer(policy, kube, name);
        return stopMcp(kube, server, { force: forced, ...waiting(timeout, extra) });
      }),
  );
}

/** A client that disconnects or cancels ends the wait; one that asks for progress gets progress messages. */
function waiting(timeoutSeconds: number, extra: Extra): WaitOptions {
  const progressToken = extra._meta?.progressToken;
  let progress = 0;
  return {
    timeoutSeconds,
    signal: extra.signal,
    onProgress: (message) => {
      if (progressToken === undefined) return;
      progress += 1;
      extra
        .sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress, message },
        })
        .catch(() => undefined); // the client has gone; its request's signal says so
    },
  };
}

/** Runs a tool and logs it. The answer contains errors that the caller can correct; other errors are only logged. */
function answer(
  { log, calls }: Pick<Options, "log" | "calls">,
  tool: string,
  input: object,
  work: () => Promise<object>,
): Promise<CallToolResult> {
  const started = performance.now();
  const done = (): object => ({ tool, ...input, ms: Math.round(performance.now() - started) });
  const answered = async (): Promise<CallToolResult> => {
    if (!calls.begin()) {
      log.warn(done(), "too many calls");
      const text = `${maxCalls} calls are under way already.\nTry again when one has ended.`;
      return { content: [{ type: "text", text }], isError: true };
    }
    try {
      const result = await traced(`tools/call ${tool}`, { tool }, work);
      const structuredContent = cleaned({ ...result });
      log.info(done(), "tool called");
      return {
        content: [{ type: "text", text: JSON.stringify(structuredContent, undefined, 2) }],
        structuredContent,
      };
    } catch (error) {
      const text = isUserError(error) ? error.message : "The manager failed; its log says why.";
      if (isUserError(error)) log.warn({ ...done(), problem: error.problem }, "tool refused");
      else log.error({ ...done(), err: error }, "tool failed");
      return { content: [{ type: "text", text }], isError: true };
    } finally {
      calls.end();
    }
  };
  return withRun(randomUUID(), answered);
}

/** Text of the API and of pods reaches an agent, and from there a terminal. */
function cleaned(result: Record<string, unknown>): Record<string, unknown> {
  const text = (_key: string, value: unknown): unknown =>
    typeof value === "string" ? cleanText(value) : value;
  return JSON.parse(JSON.stringify(result), text) as Record<string, unknown>;
}
