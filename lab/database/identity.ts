import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

/** The OS user of the server. The ids are omitted for the current user. */
export interface OsUser {
  readonly name: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** A directory for files that an unprivileged user must reach and that may not be in a private home. */
export const sharedRoot = "/var/lib/mcp-fleet";

/** Existing unprivileged users, in order of preference. A new one would remain after the lab. */
const candidates = ["postgres", "nobody"];

/**
 * PostgreSQL refuses to run as root. So root uses an existing unprivileged user; anyone else is used directly.
 *
 * @throws UserError when root finds no such user.
 */
export function serverUser(): OsUser {
  if (process.getuid?.() !== 0) return { name: "the current user" };
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of candidates) {
    const entry = users.find((fields) => fields[0] === name);
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new UserError(
    "PostgreSQL cannot run as root, and this machine has neither a user postgres nor nobody.",
    "Add one with `useradd --system postgres`, or run as an ordinary user.",
  );
}

/**
 * A directory the server's user can reach: `preferred`, or, where that lies under a private home as
 * root's does, one under /var/lib with a name of its own for each `preferred`.
 */
export function reachableDir(preferred: string, user: OsUser): string {
  if (user.uid === undefined || isReachable(dirname(preferred), user.uid, user.gid ?? user.uid)) {
    return preferred;
  }
  const tag = createHash("sha256").update(preferred).digest("hex").slice(0, 8);
  return join(sharedRoot, `postgres-${tag}`);
}

function isReachable(dir: string, uid: number, gid: number): boolean {
  for (let at = dir; ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found !== undefined) {
      const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
      if ((found.mode & bit) === 0) return false;
    }
    if (at === dirname(at)) return true;
  }
}
