import { checkSpec } from "../decide/check-spec";
import { looksSecret, variablesOf } from "../decide/credentials";
import { parseDocument } from "../decide/document";
import { keyId, keyName, keyOf } from "../decide/keys";
import { namedKeys, rulesOf } from "../decide/layout";
import { isOwn } from "../decide/rows";
import type { CutoverSpec, Db } from "../decide/spec";
import { checkReadable } from "../postgres/check-table";
import { checkRole } from "../postgres/database";
import { readRows } from "../postgres/rows";
import { limitsOf, session } from "../postgres/session";
import { readShape } from "../postgres/table";

/** The credentials of one row's environment, by variable. **The values are secret: for a secret store, never for output.** */
export interface RowCredentials {
  /** The configured key, even when the row has an older one. */
  readonly key: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Reads the credentials that only the rows hold, so that they can be imported as secrets before the rows lose
 * them: every variable that looks like a credential or is in the row's `secretKeys`. Paths, which name files of
 * the application's image, and empty values are left out. READ ONLY. Errors name keys, never values.
 * @returns one entry for each configured row that has any, the canonical key's value before an alias's
 */
export async function readCredentials(db: Db, spec: CutoverSpec): Promise<RowCredentials[]> {
  checkSpec(spec);
  rulesOf(spec.table).checkSingleValue();
  const limits = limitsOf(spec);
  const doing = "reading the credentials";
  return session(
    { db, name: `credentials ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      await checkRole(client, spec);
      const shape = await readShape(client, spec);
      await checkReadable(client, spec, shape, spec.table.id === undefined ? [] : [spec.table.id]);
      const rows = await readRows(client, spec, shape, {
        keys: namedKeys(spec),
        columns: [],
      });
      return spec.rows.flatMap((row) => {
        const found = new Map<string, string>();
        for (const key of [row.key, ...(row.aliases ?? [])].map(keyOf)) {
          const stored = rows.get(keyId(key));
          if (stored === undefined || !isOwn(spec, stored)) continue;
          const document = parseDocument([...key, ...keyOf(row.key)], stored.config);
          for (const [name, value] of variablesOf(document?.content ?? {})) {
            const wanted = looksSecret(name) || (row.secretKeys ?? []).includes(name);
            if (!wanted || typeof value !== "string" || value === "" || value.startsWith("/"))
              continue;
            if (!found.has(name)) found.set(name, value);
          }
        }
        if (found.size === 0) return [];
        return [{ key: keyName(keyOf(row.key)), env: Object.fromEntries(found) }];
      });
    },
  );
}
