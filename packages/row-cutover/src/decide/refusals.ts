import { UserError } from "@mcp-fleet/errors";

import { literal } from "../postgres/identifiers";
import { isOwn, type StoredRow } from "../postgres/rows";
import type { ForwardStep } from "../run/plan-forward";
import type { CutoverSpec, RowSpec } from "../spec";
import type { Run } from "../store/ledger";
import { credentialsOf, isConfigured, variableOf } from "./credentials";
import { isEmbedded, parseDocument } from "./document";
import { keyId, keyName, keyOf, keySet } from "./keys";
import { keptKeys } from "./target-document";

/** @throws UserError listing the application's own rows that nothing is configured for */
export function refuseUnknown(spec: CutoverSpec, rows: ReadonlyMap<string, StoredRow>): void {
  if (spec.table.type === undefined) return;
  const known = keySet([
    ...spec.deferred,
    ...spec.skip,
    ...spec.rows.flatMap((row) => [row.key, ...(row.aliases ?? [])]),
  ]);
  const unknown = [...rows.values()].filter(
    (row) => isOwn(spec, row) && !known.has(keyId(row.key)),
  );
  refuseUnknownKeys(
    spec,
    unknown.map((row) => keyName(row.key)),
  );
}

/** @throws UserError unless there are none */
export function refuseUnknownKeys(spec: CutoverSpec, unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  const { schema, table, type } = spec.table;
  throw new UserError(
    `${unknown.length === 1 ? "The row" : "The rows"} ${listed(unknown)} of ${schema}.${table} (${type?.column ?? ""} ${type?.value ?? ""}) ${unknown.length === 1 ? "has" : "have"} no server configured.`,
    "Configure a server for each in [servers], or list its key in [deferred] to leave the row as it is.",
  );
}

/** The first twenty of a list that may be long. */
export function listed(
  names: readonly string[],
  separator = ", ",
  count: number = names.length,
): string {
  const more = count > 20 ? ` and ${count - 20} more` : "";
  return names.slice(0, 20).join(separator) + more;
}

/** @throws UserError listing rows under a configured key that are a user's own */
export function refuseForeign(spec: CutoverSpec, rows: ReadonlyMap<string, StoredRow>): void {
  const skip = keySet(spec.skip);
  const foreign = spec.rows
    .map((row) => rows.get(keyId(keyOf(row.key))))
    .filter((row) => row !== undefined && !isOwn(spec, row) && !skip.has(keyId(row.key)));
  if (foreign.length === 0) return;
  throw new UserError(
    `The row ${foreign.map((row) => keyName(row?.key ?? [])).join(", ")} of ${spec.table.schema}.${spec.table.table} is a user's own server, not one of the application's, and is never touched.`,
    "Give the configured server another key in [servers.<key>.row.key], or list the key in [cutover.skip].",
  );
}

/**
 * The application does not start with a user's own row beside its own of the same server under an older key.
 * @throws UserError unless it may be merged
 */
export function refuseForeignAlias(
  spec: CutoverSpec,
  row: RowSpec,
  strangers: readonly StoredRow[],
  own: StoredRow | undefined,
): void {
  if (strangers.length === 0 || (spec.customAliases === "merge" && own !== undefined)) return;
  const names = strangers.map(({ key }) => keyName(key)).join(", ");
  const key = keyName(keyOf(row.key));
  throw new UserError(
    `The row ${names} of ${spec.table.schema}.${spec.table.table} is a user's own server under an older key of ${key}, beside which the application does not start.`,
    own === undefined
      ? `Rename or delete it in the application, or list ${names} in [cutover.skip].`
      : `Set [cutover.customAliases] to merge, which moves its references to ${key} and removes it (an undo brings it back), or list ${names} in [cutover.skip].`,
  );
}

/** A credential that only the old document holds would be gone: the server would start and be able to do nothing. */
export class LostSecrets {
  private readonly lost = new Set<string>();

  /**
   * Looks at the row that a step is about; a value that is a path is a warning.
   * @param known whether a run before moved the row: unless it starts a process again, its headers are that run's
   */
  add(step: ForwardStep, row: StoredRow, known: boolean, warnings: string[]): void {
    if (step.action === "unchanged" || step.action === "late") return;
    const document = parseDocument([...row.key, ...step.keyAfter], row.config);
    if (document === undefined) return;
    const { content } = document;
    const { spec } = step;
    const configured = [
      ...(spec.secretKeys ?? []),
      ...Object.keys(spec.headers ?? {}).map((name) => variableOf(name)),
    ];
    const kept = keptKeys(spec, Object.keys(content));
    const ours = known && !isEmbedded(content) ? ["headers"] : [];
    const gone = Object.fromEntries(
      Object.entries(content).filter(([key]) => !kept.includes(key) && !ours.includes(key)),
    );
    for (const credential of credentialsOf(gone)) {
      const { name, value } = credential;
      if (value === "" || isConfigured(credential, configured)) continue;
      const at = `${keyName(row.match)}: ${name}`;
      if (typeof value === "string" && value.startsWith("/")) {
        warnings.push(
          `${at} names a file in the application's own image, which the server in the cluster does not have.`,
        );
      } else this.lost.add(at);
    }
  }

  /** @throws UserError that lists them */
  refuse(): void {
    if (this.lost.size === 0) return;
    throw new UserError(
      `Credentials would be lost, since the old rows hold them and the servers they move to do not: ${[...this.lost].join("; ")}.`,
      "Set each for its server: pulumi config set --secret --path serverSecrets.<server>.<NAME> <value> (of an option --api-key the name ends with API_KEY, of a password in a URL with PASSWORD)",
    );
  }
}

/** @throws UserError when the journal was dropped on request: there is nothing to restore from */
export function refuseFinalized(spec: CutoverSpec, run: Run): void {
  if (run.finalizedAt === undefined) return;
  throw new UserError(
    `The way back from generation ${run.generation} of ${spec.name} was dropped by finalize on ${run.finalizedAt.slice(0, 10)}, so the rows as they were before are not known any more.`,
    `Restore the rows from a backup by hand, then remove the ledger's entries: delete from mcp_cutover.run where cutover = ${literal(spec.name)};`,
  );
}
