import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Above any file that a person writes for a program, in bytes. */
export const largestFile = 4 * 1024 * 1024;

/** How long a pipe or a device may say nothing, in milliseconds: who decrypts a file may ask for a passphrase first. */
const patience = 60_000;

/**
 * The text of a file that somebody names. It may be a pipe (`<(...)`); a device has no end, so reading stops. Nothing of
 * this process runs meanwhile, its answer to Ctrl-C neither, so reading never waits for good.
 *
 * @param most bytes that it may have. Default {@link largestFile}.
 * @param patienceMs how long nothing may come; a twelfth of it for a pipe that nobody writes to
 * @throws Error for one that is larger, and for one that cannot be read
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

/** How many bytes there are, 0 at the end; undefined where none have come yet. */
function readNow(file: number, into: Buffer): number | undefined {
  try {
    return readSync(file, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}
