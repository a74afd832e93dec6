import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { quoted } from "@mcp-fleet/errors";

/**
 * Writes an executable that runs a compiled script of this checkout with the Node.js that runs this. It works from
 * any directory and with any PATH.
 */
export function writeLaunchScript(directory: string, name: string, script: string): void {
  const command = [process.execPath, script].map(quoted).join(" ");
  const file = join(directory, name);
  const fresh = `${file}.${process.pid}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(fresh, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(fresh, 0o755);
  // At once, because a CLI may be starting the old one.
  renameSync(fresh, file);
}
