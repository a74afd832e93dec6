import { UserError } from "@mcp-fleet/errors";

/** The parts of a DSN. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * @param key the configuration key of the DSN: `mcp-fleet:databaseUrl`
 * @throws UserError that names the key and shows nothing of the value.
 */
export function parseDatabaseUrl(text: string, key: string): DatabaseAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = decodeURIComponent(url?.pathname.replace(/^\//, "") ?? "");
  if (
    url === undefined ||
    !/^postgres(ql)?:$/.test(url.protocol) ||
    url.hostname === "" ||
    database === ""
  ) {
    throw new UserError(
      `[${key}] is not a PostgreSQL URL.`,
      "Use the form postgresql://user:password@host:5432/database, with special characters percent-encoded.",
    );
  }
  return {
    host: url.hostname,
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
  };
}

/** The DSN of these parts. */
export function databaseUrlOf({ host, port, user, password, database }: DatabaseAddress): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `postgresql://${login}@${host}:${port}/${encodeURIComponent(database)}`;
}
