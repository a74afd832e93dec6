import { UserError } from "@mcp-fleet/errors";

import { type Json, type JsonObject, stringAt } from "./wire";

/** The quoting of the `pg` client. */
export interface Quoting {
  escapeIdentifier(text: string): string;
  escapeLiteral(text: string): string;
}

const privilegePattern = /^[A-Z ]+$/;

/** `CREATE ROLE` or `ALTER ROLE` with every attribute the inputs speak of, the provider's defaults for the others. */
export function roleSql(quote: Quoting, verb: "CREATE" | "ALTER", inputs: JsonObject): string {
  const flag = (key: string, word: string, initial: boolean): string =>
    (inputs[key] ?? initial) === true ? word : `NO${word}`;
  const password = stringAt(inputs, "password") ?? stringAt(inputs, "passwordWo");
  const validUntil = stringAt(inputs, "validUntil") ?? "infinity";
  // Only a superuser may name SUPERUSER, REPLICATION and BYPASSRLS, so they are left out unless asked for.
  const rare = [
    ["superuser", "SUPERUSER"],
    ["replication", "REPLICATION"],
    ["bypassRowLevelSecurity", "BYPASSRLS"],
  ].flatMap(([key = "", word = ""]) => (inputs[key] === undefined ? [] : [flag(key, word, false)]));
  return [
    `${verb} ROLE ${quote.escapeIdentifier(stringAt(inputs, "name") ?? "")} WITH`,
    flag("login", "LOGIN", false),
    flag("createDatabase", "CREATEDB", false),
    flag("createRole", "CREATEROLE", false),
    flag("inherit", "INHERIT", true),
    ...rare,
    `CONNECTION LIMIT ${Number(inputs.connectionLimit ?? -1)}`,
    `VALID UNTIL ${quote.escapeLiteral(validUntil)}`,
    ...(password === undefined ? [] : [`PASSWORD ${quote.escapeLiteral(password)}`]),
  ].join(" ");
}

/** `ALTER ROLE ... SET` for search path and time limits (milliseconds); what is not given is reset. */
export function roleSettingsSql(quote: Quoting, inputs: JsonObject): string[] {
  const role = quote.escapeIdentifier(stringAt(inputs, "name") ?? "");
  const paths = texts(inputs.searchPaths).map((path) => quote.escapeIdentifier(path));
  const limit = (key: string): string | undefined =>
    inputs[key] === undefined ? undefined : quote.escapeLiteral(String(Number(inputs[key])));
  const settings: [string, string | undefined][] = [
    ["search_path", paths.length === 0 ? undefined : paths.join(", ")],
    ["statement_timeout", limit("statementTimeout")],
    ["idle_in_transaction_session_timeout", limit("idleInTransactionSessionTimeout")],
  ];
  return settings.map(([name, value]) =>
    value === undefined
      ? `ALTER ROLE ${role} RESET ${name}`
      : `ALTER ROLE ${role} SET ${name} TO ${value}`,
  );
}

/** `CREATE DATABASE` with the provider's defaults, or the change of its name. */
export function databaseSql(
  quote: Quoting,
  inputs: JsonObject,
  before: JsonObject | undefined,
): string {
  const other = Object.keys(inputs).filter((key) => !key.startsWith("__") && key !== "name");
  if (other.length > 0) {
    throw new UserError(
      `The lab runner does not apply \`${other.join("`, `")}\` of a postgresql Database.`,
      "Leave it out, or use the Pulumi CLI.",
    );
  }
  const name = quote.escapeIdentifier(stringAt(inputs, "name") ?? "");
  if (before === undefined) {
    return `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`;
  }
  const old = quote.escapeIdentifier(stringAt(before, "name") ?? "");
  return `ALTER DATABASE ${old} RENAME TO ${name}`;
}

export function grantSql(quote: Quoting, inputs: JsonObject): string {
  const privileges = texts(inputs.privileges);
  const wrong = privileges.find((privilege) => !privilegePattern.test(privilege));
  if (wrong !== undefined) {
    throw new UserError(
      `"${wrong}" is not a privilege of PostgreSQL.`,
      "Correct `privileges` of the Grant.",
    );
  }
  // As with the provider, an empty list means that the role keeps nothing.
  if (privileges.length === 0) return revokeSql(quote, inputs);
  const option = inputs.withGrantOption === true ? " WITH GRANT OPTION" : "";
  return `GRANT ${privileges.join(", ")} ON ${target(quote, inputs)} TO ${roleOf(quote, inputs)}${option}`;
}

export function revokeSql(quote: Quoting, inputs: JsonObject): string {
  return `REVOKE ALL PRIVILEGES ON ${target(quote, inputs)} FROM ${roleOf(quote, inputs)}`;
}

function roleOf(quote: Quoting, inputs: JsonObject): string {
  const role = stringAt(inputs, "role") ?? "";
  return role.toLowerCase() === "public" ? "PUBLIC" : quote.escapeIdentifier(role);
}

/** What a grant is on: the database, the schema, or named or all objects in the schema. */
function target(quote: Quoting, inputs: JsonObject): string {
  const schema = quote.escapeIdentifier(stringAt(inputs, "schema") ?? "public");
  const objects = texts(inputs.objects);
  const type = stringAt(inputs, "objectType") ?? "";
  switch (type) {
    case "database":
      return `DATABASE ${quote.escapeIdentifier(stringAt(inputs, "database") ?? "")}`;
    case "schema":
      return `SCHEMA ${schema}`;
    case "table":
    case "sequence": {
      const word = type.toUpperCase();
      const names = objects.map((name) => `${schema}.${quote.escapeIdentifier(name)}`);
      return names.length === 0
        ? `ALL ${word}S IN SCHEMA ${schema}`
        : `${word} ${names.join(", ")}`;
    }
    default:
      throw new UserError(
        `The lab runner does not grant on the object type "${type}".`,
        "Use database, schema, table or sequence, or the Pulumi CLI.",
      );
  }
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
