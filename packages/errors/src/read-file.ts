import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";

/** Larger than any file that a person writes for a program, in bytes. */
export const largestFile = 4 * 1024 * 1024;

/**
 * How long a pipe or a device may be silent, in milliseconds: a program that decrypts a file may prompt for a
 * passphrase first.
 */
const patience = 60_000;

/**
 * The text of a file that a user names. It may be a pipe (`<(...)`); a device may have no end, so reading stops
 * at the limit. The read blocks this process, Ctrl-C included, so it has a time limit.
 *
 * @param most the limit in bytes. Default {@link largestFile}.
 * @param patienceMs how long nothing may arrive; a twelfth of it for a pipe without a writer
 * @throws Error for a larger file, and for one that cannot be read
 */
export function readTextFile(path: string, most = largestFile, patienceMs = patience): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const parts: Buffer[] = [];
    let left = most;
    let waited = 0;
    const wait = (limit: number): boolean => {
      if (waited >= limit) return false;
      waited += 20;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      return true;
    };
    for (;;) {
      const part = Buffer.allocUnsafe(64 * 1024);
      const length = readNow(file, part);
      if (length === undefined) {
        if (wait(patienceMs)) continue;
        throw new Error(`nothing came out of it for ${Math.round(patienceMs / 1000)} seconds`);
      }
      if (length === 0) {
        const unwritten = parts.length === 0 && fstatSync(file).isFIFO();
        if (unwritten && wait(patienceMs / 12)) continue;
        return Buffer.concat(parts).toString("utf8");
      }
      waited = 0;
      left -= length;
      if (left < 0) throw new Error(`it has more than ${most} bytes`);
      parts.push(part.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The text of a file that there need not be; undefined where nothing has this name.
 *
 * @throws Error as {@link readTextFile} does, also for a link to a file that is not there
 */
export function readTextFileIfThere(path: string, most = largestFile): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : readTextFile(path, most);
}

/** The number of bytes read, 0 at the end; undefined if none have arrived yet. */
function readNow(file: number, into: Buffer): number | undefined {
  try {
    return readSync(file, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}
