import type { RunMeta } from "@mcp-fleet/row-cutover";

/** Who runs it, for the ledger. */
export const meta: RunMeta = {
  who: "tester@example.com",
  stack: "test",
  commit: "0123abc",
  toolVersion: "0.1.0",
};
