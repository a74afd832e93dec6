import { closeSync, openSync, readSync } from "node:fs";

/** Above any file that a person writes for a program, in bytes. */
export const largestFile = 4 * 1024 * 1024;

/**
 * The text of a file that somebody names. It may be a pipe (`<(...)`); a device has no end, so reading stops.
 *
 * @param most bytes that it may have. Default {@link largestFile}.
 * @throws Error for one that is larger, and for one that cannot be read
 */
export function readTextFile(path: string, most = largestFile): string {
  const file = openSync(path, "r");
  try {
    const parts: Buffer[] = [];
    let left = most;
    for (;;) {
      const part = Buffer.allocUnsafe(64 * 1024);
      const length = readSync(file, part);
      if (length === 0) return Buffer.concat(parts).toString("utf8");
      left -= length;
      if (left < 0) throw new Error(`it has more than ${most} bytes`);
      parts.push(part.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}
