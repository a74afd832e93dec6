import { createHash } from "node:crypto";

import type * as k8s from "@pulumi/kubernetes";

import type { Health, McpServerArgs } from "./args";
import type { CodeSource, ServerSource } from "./sources";

type Container = k8s.types.input.core.v1.Container;

const bridgeHealthPath = "/healthz";

/** Where the code of a {@link CodeSource} is mounted. */
export const codePath = "/app";
/** On a pod: the hash of the code it was started with, so that other code is another pod template. */
export const codeAnnotation = "mcp-fleet.dev/code";
/** How long open streams may hold up a uvicorn that is told to end: less than the pod's grace, in seconds. */
const streamSeconds = 5;

/** The default health check of a source: a bridge has a route of its own, anything else a port. */
export function defaultHealth(source: ServerSource["kind"]): Health {
  return source === "bridge" ? { kind: "http", path: bridgeHealthPath } : { kind: "tcp" };
}

/** What the container runs. */
export function serverProcess(args: McpServerArgs): Pick<Container, "image" | "command" | "args"> {
  const source = args.source;
  switch (source.kind) {
    case "image":
    case "shared":
      return {
        image: source.image,
        ...(source.command === undefined ? {} : { command: [...source.command] }),
        ...(source.args === undefined ? {} : { args: [...source.args] }),
      };
    case "bridge":
      return {
        image: source.image,
        command: ["supergateway"],
        args: [
          ...["--stdio", source.stdio],
          ...["--outputTransport", "streamableHttp"],
          ...["--port", String(args.port)],
          ...["--streamableHttpPath", args.path],
          ...["--healthEndpoint", bridgeHealthPath],
          // It logs every tool call's arguments and result otherwise.
          ...["--logLevel", "none"],
        ],
      };
    case "code":
      return {
        image: source.image,
        command: ["python", "-m", "uvicorn"],
        args: [
          source.app,
          ...["--app-dir", codePath],
          ...["--host", "0.0.0.0"],
          ...["--port", String(args.port)],
          // FastMCP starts its session manager there; left to "auto", a lifespan that fails is passed over.
          ...["--lifespan", "on"],
          ...["--timeout-graceful-shutdown", String(streamSeconds)],
        ],
      };
  }
}

/** Environment a source needs beside what its server is given. */
export function sourceEnv(source: ServerSource): Readonly<Record<string, string>> {
  // The root file system is read-only, and a log line that waits in a buffer is lost with the pod.
  return source.kind === "code" ? { PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" } : {};
}

/** Hash of the code's names and content. Code is no secret; the hash is there to be compared. */
export function codeHash(source: CodeSource): string {
  const files = Object.entries(source.files).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
}
