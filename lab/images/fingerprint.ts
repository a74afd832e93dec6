import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { paths } from "../paths";

/** The SHA-256 of some parts, in hex. It includes each part's length, so that moving text between parts changes it. */
export function fingerprint(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:`);
    hash.update(part);
  }
  return hash.digest("hex");
}

/** The names in every `.dockerignore` of this project. */
const ignored = new Set(["node_modules", "dist"]);

/** Names and contents of files, and of all files in directories (paths relative to the project), as parts of a fingerprint. */
export const filesAsParts = (files: readonly string[]): (string | Buffer)[] =>
  files.flatMap((file) => {
    const place = join(paths.projectDir, file);
    if (!statSync(place).isDirectory()) return [file, readFileSync(place)];
    return filesAsParts(
      readdirSync(place)
        .filter((name) => !ignored.has(name))
        .sort()
        .map((name) => join(file, name)),
    );
  });
