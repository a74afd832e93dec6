import { UserError } from "@mcp-fleet/errors";

import type { Handler } from "./handler";
import type { Run } from "./run";
import type { StoredResource } from "./state";

/**
 * Removes what was replaced and what the program no longer registers: each once all that depends on it is gone, so that
 * the pods of many servers end at the same time. After a failure those under way end, and nothing else is begun.
 *
 * @throws UserError for a protected resource, before anything is removed.
 */
export async function removeAll(run: Run, handlers: readonly Handler[]): Promise<void> {
  const { state } = run;
  const gone = [...state.resources.values()].filter((item) => !run.registered.has(item.urn));
  const guarded = gone.find((item) => item.protect === true);
  if (guarded !== undefined) {
    throw new UserError(
      `${guarded.name} (${guarded.type}) is protected and would be removed.`,
      "Put it back into the program, or run `up` with `protect: false` first.",
    );
  }
  const failures: unknown[] = [];
  const removals: { readonly item: StoredResource; readonly ended: Promise<void> }[] = [];
  for (const item of state.deletionOrder([...state.superseded, ...gone])) {
    const dependents = removals.filter((other) => other.item.dependencies.includes(item.urn));
    const remove = async (): Promise<void> => {
      await Promise.all(dependents.map(({ ended }) => ended));
      if (failures.length === 0 && !run.signal.aborted) await removeOne(run, handlers, item);
    };
    removals.push({ item, ended: remove().catch((error: unknown) => void failures.push(error)) });
  }
  await Promise.all(removals.map(({ ended }) => ended));
  if (failures.length > 0) throw failures[0];
  if (run.signal.aborted) throw run.interrupted();
}

async function removeOne(
  run: Run,
  handlers: readonly Handler[],
  item: StoredResource,
): Promise<void> {
  const listed = item.custom && !item.type.startsWith("pulumi:providers:");
  const superseded = run.state.superseded.includes(item);
  if (listed) {
    const done = run.timed(item.type, item.name);
    if (!run.preview && item.retainOnDelete !== true) {
      const handler = handlers.find((candidate) => candidate.handles(item.type));
      try {
        await handler?.remove(item);
      } catch (error) {
        done("delete", "failed");
        throw error;
      }
    }
    if (!superseded) run.changes.push({ urn: item.urn, type: item.type, op: "delete" });
    done("delete", superseded ? "replaced" : undefined);
  }
  if (!run.preview) run.state.remove(item);
}
