/**
 * A process of its own that does one thing with the row engine and is then killed by the test: what is done, and
 * to which database, is JSON in the first argument. It prints the result's generation and waits, as a program
 * does that has its answer and has not saved it yet.
 */
import { type CutoverSpec, type Db, runCutover, settle } from "@mcp-fleet/row-cutover";

import { meta } from "./meta";

/** What the process must do. */
export interface EngineRequest {
  readonly db: Db;
  readonly spec: CutoverSpec;
  readonly what: "in-cluster" | "embedded" | "settle";
  /** For `settle`. */
  readonly generation: number;
}

async function main({ db, spec, what, generation }: EngineRequest): Promise<void> {
  if (what === "settle") await settle(db, spec, generation);
  else await runCutover(db, spec, what, meta);
  process.stdout.write("answered\n");
  setInterval(() => undefined, 1000);
}

void main(JSON.parse(process.argv[2] ?? "") as EngineRequest);
