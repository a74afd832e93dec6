import { type Credentials, withHeaderValues } from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";
import { objectKeyText, UnreachableError } from "@mcp-fleet/kube";
import { type Db, type HeaderSource, type RowSpec, staleHeaders } from "@mcp-fleet/row-cutover";

import type { DriftFinding } from "./drift-finding";
import type { Fleet } from "./fleet";
import { rowName } from "./services";

/** Rows whose header differs from its Secret, and headers whose Secret cannot be read. No finding contains a value. */
export async function headerFindings(
  db: Db,
  { spec, kubernetes }: Pick<Fleet, "spec" | "kubernetes">,
  credentials: Credentials,
): Promise<DriftFinding[]> {
  const findings: DriftFinding[] = [];
  const rows: RowSpec[] = [];
  for (const row of spec.rows.filter(isKept)) {
    try {
      const read = await withHeaderValues({ ...spec, rows: [row] }, kubernetes, credentials);
      rows.push(...read.rows);
    } catch (error) {
      if (!isUserError(error) || error instanceof UnreachableError) throw error;
      const detail = `its headers cannot be compared: ${error.problem}`;
      findings.push({ kind: "stale-header", subject: rowName(row.key), detail });
    }
  }
  if (rows.length === 0) return findings;
  const places = new Map(rows.map((row) => [rowName(row.key), row.headersFrom ?? {}]));
  const stale = await staleHeaders(db, { ...spec, rows });
  return [
    ...findings,
    ...stale.map(({ key, header, rows: count }): DriftFinding => {
      const who = count === 1 ? "the row has" : `${count} rows have`;
      const place = placeOf(places.get(key)?.[header]);
      const detail = `${who} another value of the header ${header} than ${place}; pulumi up writes it`;
      return { kind: "stale-header", subject: key, detail };
    }),
  ];
}

function isKept({ headersFrom = {} }: RowSpec): boolean {
  return Object.values(headersFrom).some((from) => !("stack" in from));
}

function placeOf(from: HeaderSource | undefined): string {
  if (from === undefined || "stack" in from) return "its secret";
  return "file" in from ? `its Secret (${from.file})` : objectKeyText(from);
}
