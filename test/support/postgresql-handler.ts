import { PostgresqlHandler } from "../../lab/runner/postgresql";

/** The lab runner's way to make roles, databases, schemas and grants, on a server of the test's. */
export function postgresqlHandler(dsn: string): PostgresqlHandler {
  const { hostname, port, username, password, pathname } = new URL(dsn);
  return new PostgresqlHandler({
    ...{ preview: false, config: {} },
    providerInputs: () => ({
      ...{ host: hostname, port, sslmode: "disable", database: pathname.slice(1) },
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    }),
  });
}
