import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The project's package.json: the nearest one above (sources and dist differ by a level). */
function manifest(): string {
  const beside = join(__dirname, "..", "package.json");
  try {
    return readFileSync(beside, "utf8");
  } catch {
    return readFileSync(join(__dirname, "..", "..", "package.json"), "utf8");
  }
}

/** Version of this program, recorded with each run. */
export const toolVersion = (JSON.parse(manifest()) as { version: string }).version;
