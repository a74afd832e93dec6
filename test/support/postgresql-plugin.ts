import { settingsOf } from "../../lab/engine/providers/postgresql/settings";
import { postgresqlTypes } from "../../lab/engine/providers/postgresql/types";
import type { ResourceType } from "../../lab/engine/providers/resource-type";

/** The types of the lab's own postgresql plugin, by the last part of their token, on a server of the test's. */
export function postgresqlPlugin(dsn: string): Readonly<Record<string, ResourceType>> {
  const { hostname, port, username, password, pathname } = new URL(dsn);
  const settings = settingsOf({
    ...{ host: hostname, port, sslmode: "disable", database: pathname.slice(1) },
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  });
  const named: Record<string, ResourceType> = {};
  for (const type of postgresqlTypes(() => settings)) {
    named[type.token.split(":").at(-1) ?? ""] = type;
  }
  return named;
}
