import { UserError } from "@mcp-fleet/errors";

/** @throws UserError for a name that PostgreSQL cannot have for a table or a column */
export function checkName(name: string): void {
  if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= 63) return;
  throw new UserError(
    `${JSON.stringify(name)} is not a name that PostgreSQL accepts.`,
    "Give the table and its columns names of 1 to 63 bytes.",
  );
}
