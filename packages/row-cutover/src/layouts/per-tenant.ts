import type { Client } from "pg";

import type { StoredRow } from "../decide/rows";
import type { ForwardInput } from "../decide/steps";
import type { Run } from "../store/ledger";
import type { Base, Planned } from "./layout";
import { planClasses } from "./plan-groups";

/** Each entry of the configuration is all rows of a server. */
export async function planServers(
  client: Client,
  given: Pick<ForwardInput, "spec" | "carries" | "samePlan">,
  { shape, fingerprint }: Base,
  active: Run | undefined,
): Promise<Planned> {
  const previous = active === undefined ? undefined : new Map<string, null>();
  const input = {
    ...given,
    rows: new Map<string, StoredRow>(),
    previous,
    seedable: new Set<string>(),
  };
  return { ...(await planClasses(client, input, shape, Number(fingerprint.rows))), input };
}
