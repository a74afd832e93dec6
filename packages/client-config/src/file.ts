import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { messageOf, UserError } from "@mcp-fleet/errors";

/** A client's file has a few kilobytes; a larger one is something else. */
const largest = 16 * 1024 * 1024;
/** A new file may later contain headers. */
const newMode = 0o600;

/**
 * The file's text, empty where there is none yet.
 *
 * @throws UserError for what is no ordinary file, for one that cannot be read, and for one of more than 16 MiB
 */
export function readClientFile(path: string): string {
  const target = targetOf(path);
  if (target.stats === undefined) return "";
  if (target.stats.size > largest) throw refused(path, "is larger than any client's file");
  try {
    return readFileSync(target.path, "utf8");
  } catch (error) {
    throw refused(path, `cannot be read: ${messageOf(error)}`);
  }
}

/**
 * Writes the file in one step: a client that reads it meanwhile sees the old or the new one. A link is followed and
 * stays a link; the file keeps its mode and its owner.
 *
 * @throws UserError for what is no ordinary file, and for one that cannot be written
 */
export function writeClientFile(path: string, text: string): void {
  const target = targetOf(path);
  const name = `.${basename(target.path)}.${randomBytes(8).toString("hex")}`;
  const beside = join(dirname(target.path), name);
  try {
    // Never opens an existing file or link at this path.
    const descriptor = openSync(beside, "wx", newMode);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
      takeOver(target.stats, beside, fstatSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, target.path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw refused(path, `cannot be written: ${messageOf(error)}`);
  }
}

/** The owner first: changing it may clear bits of the mode. */
function takeOver(old: Stats | undefined, file: string, made: Stats): void {
  if (old === undefined) return;
  if (old.uid !== made.uid || old.gid !== made.gid) chownSync(file, old.uid, old.gid);
  chmodSync(file, old.mode & 0o777);
}

/** The file that a path resolves to, over links; `stats` only if it exists. */
function targetOf(path: string): { readonly path: string; readonly stats?: Stats } {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return { path };
  try {
    const target = realpathSync(path);
    const stats = statSync(target);
    if (stats.isFile()) return { path: target, stats };
  } catch (error) {
    throw refused(path, `leads to nothing: ${messageOf(error)}`);
  }
  throw refused(path, "is no ordinary file");
}

function refused(path: string, what: string): UserError {
  return new UserError(`${path} ${what}.`, "Name another file with --into; nothing was written.");
}
