import type { CutoverSpec, Db, ToolLists } from "../decide/spec";
import { takeRunLock } from "../postgres/locks";
import { limitsOf, session } from "../postgres/session";
import { markToolsLock } from "../store/ledger";

const attempts = 5;

/**
 * Records what the servers' tools were held to after a run, and what they listed then: both may change without any row.
 * @param toolsLock as in `RunMeta`
 * @param tools as in `RunMeta`, of the servers that were asked; the others keep what is recorded
 */
export async function recordToolsLock(
  db: Db,
  spec: CutoverSpec,
  runId: string,
  toolsLock: string | undefined,
  tools: ToolLists,
): Promise<void> {
  const limits = limitsOf(spec);
  const doing = "recording the tools lock";
  await session(
    { db, name: `tools lock ${spec.name}`, limits, mode: "read write", attempts, doing },
    async (client) => {
      await takeRunLock(client, spec);
      await markToolsLock(client, runId, toolsLock, tools);
    },
  );
}
