import { type JsonObject, textAt, textsAt } from "../values";
import type { Quoting } from "./role-sql";

/** The supported kinds of objects. The real plugin supports more. */
export const objectTypes: readonly string[] = ["database", "schema", "table", "sequence"];

export const isPublic = (role: string): boolean => role.toLowerCase() === "public";

export function grantSql(quote: Quoting, inputs: JsonObject): string {
  const option = inputs.withGrantOption === true ? " WITH GRANT OPTION" : "";
  const privileges = textsAt(inputs, "privileges").join(", ");
  return `GRANT ${privileges} ON ${target(quote, inputs)} TO ${roleOf(quote, inputs)}${option}`;
}

export function revokeSql(quote: Quoting, inputs: JsonObject): string {
  return `REVOKE ALL PRIVILEGES ON ${target(quote, inputs)} FROM ${roleOf(quote, inputs)}`;
}

function roleOf(quote: Quoting, inputs: JsonObject): string {
  const role = textAt(inputs, "role") ?? "";
  return isPublic(role) ? "PUBLIC" : quote.escapeIdentifier(role);
}

/** The object of a grant: the database, the schema, or named or all objects in the schema. */
function target(quote: Quoting, inputs: JsonObject): string {
  const schema = quote.escapeIdentifier(textAt(inputs, "schema") ?? "");
  const type = textAt(inputs, "objectType") ?? "";
  if (type === "database") {
    return `DATABASE ${quote.escapeIdentifier(textAt(inputs, "database") ?? "")}`;
  }
  if (type === "schema") return `SCHEMA ${schema}`;
  const word = type.toUpperCase();
  const names = textsAt(inputs, "objects").map(
    (name) => `${schema}.${quote.escapeIdentifier(name)}`,
  );
  return names.length === 0 ? `ALL ${word}S IN SCHEMA ${schema}` : `${word} ${names.join(", ")}`;
}

/**
 * Reads the privileges of a role on each object of a grant: `name` and `privileges`. Parameters: the role (or
 * `public`), the database, the schema and the names of objects, empty for all.
 */
export const readPrivileges = `
  WITH grantee AS (
    SELECT CASE WHEN lower($1) = 'public' THEN 0::oid ELSE (SELECT oid FROM pg_roles WHERE rolname = $1) END AS oid
  ), objects AS (
    SELECT 'database' AS type, datname AS name, coalesce(datacl, acldefault('d', datdba)) AS acl
      FROM pg_database WHERE datname = $2
    UNION ALL
    SELECT 'schema', nspname, coalesce(nspacl, acldefault('n', nspowner))
      FROM pg_namespace WHERE nspname = $3
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, relname,
        coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
      FROM pg_class
      WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $3)
        AND relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND (cardinality($4::text[]) = 0 OR relname = ANY ($4))
  )
  SELECT name, array(
      SELECT DISTINCT privilege_type::text FROM aclexplode(acl) item, grantee
      WHERE item.grantee = grantee.oid ORDER BY 1
    ) AS privileges
  FROM objects WHERE type = $5`;
