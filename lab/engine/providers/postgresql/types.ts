import type { ResourceType } from "../resource-type";
import { databaseType } from "./database";
import { grantType } from "./grant";
import { grantRoleType } from "./grant-role";
import { roleType } from "./role";
import { schemaType } from "./schema";
import { Server } from "./server";
import type { Settings } from "./settings";

/** The types of `@pulumi/postgresql` that the program uses. */
export function postgresqlTypes(settings: () => Settings): ResourceType[] {
  const server = new Server(settings);
  return [roleType, databaseType, schemaType, grantType, grantRoleType].map((type) => type(server));
}
