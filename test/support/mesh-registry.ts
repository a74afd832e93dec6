import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { eventually } from "./eventually";
import { freePort } from "./port";

const lock = join(paths.projectDir, "lab/images/mesh-registry");
const place = join(paths.cache, "mesh-registry");
const program = join(place, "node_modules/@mcpmesh/cli-linux-x64/bin/mcp-mesh-registry");

/** The publisher's registry from the lab's image. A text says why there is none. */
export async function registryProgram(): Promise<{ readonly registry: string } | string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return "the publisher's registry of @mcpmesh/cli-linux-x64 is for Linux on x64";
  }
  if (existsSync(program)) return { registry: program };
  try {
    await mkdir(place, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) {
      await cp(join(lock, file), join(place, file));
    }
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-workspaces"];
    await run("npm", ["ci", ...options], { cwd: place, timeoutSeconds: 180 });
    return { registry: program };
  } catch (error) {
    return `the registry cannot be had from the npm registry: ${String(error).split("\n")[0]}`;
  }
}

/** A registry that runs on this machine. */
export interface RunningRegistry {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts it and waits until it answers.
 * @throws Error with its output, when it ends instead
 */
export async function startRegistry(
  { registry }: { readonly registry: string },
  databaseUrl: string,
): Promise<RunningRegistry> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(registry, ["--host", "127.0.0.1", "--port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...{ PATH: process.env.PATH, DATABASE_URL: databaseUrl },
      MCP_MESH_DISTRIBUTED_TRACING_ENABLED: "false",
      // No test waits until the registry gives up an agent.
      ...{ DEFAULT_TIMEOUT_THRESHOLD: "3600", DEFAULT_EVICTION_THRESHOLD: "7200" },
    },
  });
  const said = outputOf(child);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await gone;
  };
  try {
    await eventually(
      "the registry answers",
      async () => {
        if (child.exitCode !== null) throw new Error(said());
        return (await fetch(`${url}/health`)).ok;
      },
      30,
    );
  } catch (error) {
    await stop();
    throw new Error(said(), { cause: error });
  }
  return { url, stop };
}

function outputOf({ stdout, stderr }: ChildProcess): () => string {
  let text = "";
  for (const stream of [stdout, stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return () => text;
}
