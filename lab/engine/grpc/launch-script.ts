import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { quoted } from "@mcp-fleet/errors";

/** Where compiled scripts of `lab/engine` are run. */
export interface Place {
  readonly node: string;
  /** The directory of `lab/engine`, compiled. */
  readonly engine: string;
}

/** This checkout, with the current Node.js. */
export const here: Place = { node: process.execPath, engine: dirname(__dirname) };

/**
 * Writes an executable that runs a compiled script. It works from any directory and with any PATH.
 * @param script below the place's `engine`
 */
export function writeLaunchScript(
  directory: string,
  name: string,
  script: string,
  { node, engine }: Place,
): void {
  const command = [node, join(engine, script)].map(quoted).join(" ");
  const file = join(directory, name);
  const fresh = `${file}.${process.pid}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(fresh, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(fresh, 0o755);
  // Replaced atomically, because a CLI may be starting the old one.
  renameSync(fresh, file);
}
