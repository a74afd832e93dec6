import { createHash } from "node:crypto";

import { quoted } from "@mcp-fleet/errors";
import { codePath, type Health } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";

import type { Server } from "./args";

type Container = k8s.types.input.core.v1.Container;
type HealthCheck = "tcp" | Extract<Health, object>;

const bridgeHealthPath = "/healthz";

/** On a pod: the hash of the code it was started with, so that other code is another pod template. */
export const codeAnnotation = "mcp-fleet.dev/code";
/** How long open streams may hold up a uvicorn that is told to end: less than the pod's grace, in seconds. */
const streamSeconds = 5;

/** The health check: where none is given, a bridge has a route of its own, anything else a port. */
export function healthOf({ health, source }: Pick<Server, "health" | "source">): HealthCheck {
  if (health === undefined) return source === "bridge" ? { path: bridgeHealthPath } : "tcp";
  return typeof health === "string" && health !== "tcp" ? { path: health } : health;
}

/** What the container runs. */
export function serverProcess(server: Server): Pick<Container, "image" | "command" | "args"> {
  const { image, source, command, args } = server;
  switch (source) {
    case "image":
    case "shared":
      return { image, command, args };
    case "bridge":
      return {
        image,
        command: ["supergateway"],
        args: [
          ...["--stdio", commandLine(server.stdio ?? [])],
          ...["--outputTransport", "streamableHttp"],
          ...["--port", String(server.port)],
          ...["--streamableHttpPath", server.path],
          ...["--healthEndpoint", bridgeHealthPath],
          // It logs every tool call's arguments and result otherwise.
          ...["--logLevel", "none"],
        ],
      };
    case "code":
      return {
        image,
        command: ["python", "-m", "uvicorn"],
        args: [
          server.code?.app ?? "",
          ...["--app-dir", codePath],
          ...["--host", "0.0.0.0"],
          ...["--port", String(server.port)],
          // FastMCP starts its session manager there; left to "auto", a lifespan that fails is passed over.
          ...["--lifespan", "on"],
          ...["--timeout-graceful-shutdown", String(streamSeconds)],
        ],
      };
  }
}

/** The bridge starts its server by a shell, so words are quoted as one reads them. */
function commandLine(stdio: string | readonly string[]): string {
  if (typeof stdio === "string") return stdio;
  // Kubernetes would put a variable's value in there, and its quotes would end ours.
  return stdio.map((word) => quoted(word).replace(/\$(?=[$(])/g, "$$$$")).join(" ");
}

/** Environment a source needs beside what its server is given. */
export function sourceEnv(source: Server["source"]): Readonly<Record<string, string>> {
  // The root file system is read-only, and a log line that waits in a buffer is lost with the pod.
  return source === "code" ? { PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" } : {};
}

/** Hash of the code's names and content. Code is no secret; the hash is there to be compared. */
export function codeHash(code: Readonly<Record<string, string>>): string {
  const files = Object.entries(code).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
}
