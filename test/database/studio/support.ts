import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ServerStatus } from "../../../lab/studio/clients";
import type { SyncSummary } from "../../../lab/studio/rows";
import type { RowView } from "../../../lab/studio/studio";
import { freePort } from "../../support/port";

interface ServersPage {
  readonly mode: string;
  readonly servers: readonly ServerStatus[];
}

export interface RowsPage {
  readonly summary: SyncSummary;
  readonly rows: readonly RowView[];
}

/** A real MCP server, over stdio or streamable HTTP. */
const everything = require.resolve("@modelcontextprotocol/server-everything/dist/index.js");

/** The commands of the legacy rows. Each is the real server above, so that its answers are real. */
const commands = ["python3", "mcp-server-github", "mcp-atlassian", "gcloud-mcp"];

/** A directory for PATH with the commands the legacy rows name. */
export function makeCommands(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "studio-bin-"));
  for (const name of commands) {
    const script = `#!/bin/sh\nexec "${process.execPath}" "${everything}" stdio\n`;
    writeFileSync(join(path, name), script);
    chmodSync(join(path, name), 0o755);
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The real server over streamable HTTP on a free port. */
export async function startHttpServer(): Promise<{ origin: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn(process.execPath, [everything, "streamableHttp"], {
    env: { ...process.env, PORT: String(port) },
    stdio: "ignore",
  });
  const origin = `http://127.0.0.1:${port}`;
  await until("the HTTP server answers", async () => {
    const answer = await fetch(`${origin}/mcp`, { signal: AbortSignal.timeout(2000) });
    return answer.status > 0;
  });
  return {
    origin,
    stop: async () => {
      child.kill("SIGKILL");
      await ended(child);
    },
  };
}

/** Studio in a separate process, as in its image. */
export class StudioProcess {
  output = "";

  private constructor(
    readonly child: ChildProcess,
    readonly origin: string,
  ) {}

  static async start(env: Record<string, string>): Promise<StudioProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, [require.resolve("../../../lab/studio/main.js")], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: String(port),
        STUDIO_DRAIN_SECONDS: "1",
        LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE: "llmctl",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const studio = new StudioProcess(child, `http://127.0.0.1:${port}`);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (studio.output += chunk.toString()));
    }
    return studio;
  }

  async get(path: string): Promise<{ status: number; body: unknown; text: string }> {
    const answer = await fetch(this.origin + path, { signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type") === "application/json";
    return { status: answer.status, body: isJson ? JSON.parse(text) : undefined, text };
  }

  async servers(): Promise<readonly ServerStatus[]> {
    return ((await this.get("/servers")).body as ServersPage).servers;
  }

  /** One request to the page that syncs. */
  async sync(): Promise<RowsPage> {
    const { status, body, text } = await this.get("/mcps");
    if (status !== 200) throw new Error(`/mcps answered ${status}: ${text}`);
    return body as RowsPage;
  }

  async untilReady(): Promise<void> {
    await until(
      "Studio is ready",
      async () => (await this.get("/ready")).status === 200,
      () => this.output,
    );
  }

  /** Stops it as Kubernetes does, and returns its exit code and the signal that ended it. */
  async terminate(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGTERM");
    return this.exit();
  }

  async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const limit = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    await ended(this.child);
    clearTimeout(limit);
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }

  /** The stdio servers that it started, by process id. */
  children(): number[] {
    return childrenOf(this.child.pid ?? 0);
  }
}

/** Waits for a condition; an error it throws counts as not yet. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  detail: () => string = () => "",
): Promise<void> {
  let last = "";
  for (const end = Date.now() + 25_000; Date.now() < end; await sleep(100)) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = String(error);
    }
  }
  throw new Error(`not within 25 s: ${what} ${last} ${detail()}`);
}

/** Whether a process exists, zombies excluded. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
