import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The project's own directory: two levels above the compiled file (`dist/lab`). */
const projectDir = resolve(__dirname, "..", "..");

const cache = process.env.MCP_FLEET_CACHE ?? join(homedir(), ".cache", "mcp-fleet");
const run = join(cache, "lab");

/** Every place the lab reads or writes. `MCP_FLEET_CACHE` moves all of them; default `~/.cache/mcp-fleet`. */
export const paths = {
  projectDir,
  cache,
  /** Built binaries, one directory for each content hash. */
  bin: join(cache, "bin"),
  /** Image archives, one for each content hash. */
  images: join(cache, "images"),
  /** What a running lab owns: kubeconfig, keys, logs, process ids, database files, state. */
  run,
  kubeconfig: join(run, "kubeconfig"),
  pki: join(run, "pki"),
  logs: join(run, "logs"),
  pids: join(run, "pids"),
  postgres: join(run, "postgres"),
  /** State, history and generated configuration of whatever runs the program. */
  engine: join(run, "engine"),
} as const;
