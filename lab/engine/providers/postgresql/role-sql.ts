import { type JsonObject, sameValue, textAt, textsAt } from "../values";
import { scramVerifier } from "./scram";

/** The quoting of the `pg` client. */
export interface Quoting {
  escapeIdentifier(text: string): string;
  escapeLiteral(text: string): string;
}

/**
 * `CREATE ROLE` or `ALTER ROLE` with every attribute of the inputs, and defaults for the others. The password is
 * set only when it changes.
 */
export function roleSql(
  quote: Quoting,
  verb: "CREATE" | "ALTER",
  inputs: JsonObject,
  before: JsonObject,
): string {
  const flag = (key: string, word: string, initial = false): string =>
    (inputs[key] ?? initial) === true ? word : `NO${word}`;
  // Only a superuser may set these, so they are omitted unless requested or to be removed.
  const rare = [
    ["superuser", "SUPERUSER"],
    ["replication", "REPLICATION"],
    ["bypassRowLevelSecurity", "BYPASSRLS"],
  ].flatMap(([key = "", word = ""]) =>
    inputs[key] === true || before[key] === true ? [flag(key, word)] : [],
  );
  return [
    `${verb} ROLE ${quote.escapeIdentifier(textAt(inputs, "name") ?? "")} WITH`,
    flag("login", "LOGIN"),
    flag("createDatabase", "CREATEDB"),
    flag("createRole", "CREATEROLE"),
    flag("inherit", "INHERIT", true),
    ...rare,
    `CONNECTION LIMIT ${Number(inputs.connectionLimit ?? -1)}`,
    ...passwordClause(quote, textAt(inputs, "password"), textAt(before, "password")),
  ].join(" ");
}

function passwordClause(
  quote: Quoting,
  wanted: string | undefined,
  had: string | undefined,
): string[] {
  if (wanted === had) return [];
  const value = wanted === undefined ? "NULL" : quote.escapeLiteral(scramVerifier(wanted));
  return [`PASSWORD ${value}`];
}

/** `ALTER ROLE ... SET` for changed values of search path and time limits (milliseconds). */
export function roleSettingsSql(quote: Quoting, inputs: JsonObject, before: JsonObject): string[] {
  const role = quote.escapeIdentifier(textAt(inputs, "name") ?? "");
  const paths = textsAt(inputs, "searchPaths").map((path) => quote.escapeIdentifier(path));
  const limit = (key: string): string =>
    Number(inputs[key] ?? 0) === 0 ? "" : quote.escapeLiteral(String(Number(inputs[key])));
  const settings = [
    { key: "searchPaths", name: "search_path", value: paths.join(", "), initial: [] },
    {
      ...{ key: "statementTimeout", name: "statement_timeout", initial: 0 },
      value: limit("statementTimeout"),
    },
    {
      ...{ key: "idleInTransactionSessionTimeout", initial: 0 },
      name: "idle_in_transaction_session_timeout",
      value: limit("idleInTransactionSessionTimeout"),
    },
  ];
  return settings
    .filter(({ key, initial }) => !sameValue(inputs[key] ?? initial, before[key] ?? initial))
    .map(({ name, value }) =>
      value === ""
        ? `ALTER ROLE ${role} RESET ${name}`
        : `ALTER ROLE ${role} SET ${name} TO ${value}`,
    );
}
