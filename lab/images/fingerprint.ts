import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { paths } from "../paths";

/** The SHA-256 of some parts, in hex. Each part's length goes in too, so that moving text between parts shows. */
export function fingerprint(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:`);
    hash.update(part);
  }
  return hash.digest("hex");
}

/** Names and contents of committed files (paths relative to the project), as parts of a fingerprint. */
export const filesAsParts = (files: readonly string[]): (string | Buffer)[] =>
  files.flatMap((file) => [file, readFileSync(join(paths.projectDir, file))]);

/** The SHA-256 of a file, in hex, without holding the file in memory. */
export async function digestOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
