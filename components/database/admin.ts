import * as postgresql from "@pulumi/postgresql";
import type * as pulumi from "@pulumi/pulumi";

import type { DatabaseAddress } from "./address";

const connectTimeoutSeconds = 10;

/** How a server's certificate is checked. */
export type DatabaseTls = "verify-full" | "verify-ca" | "disable";

/** The provider that makes roles and grants, with a login that may. */
export function adminProvider(
  name: string,
  admin: pulumi.Output<DatabaseAddress>,
  tls: DatabaseTls,
  parent: pulumi.Resource,
): postgresql.Provider {
  return new postgresql.Provider(
    name,
    {
      host: admin.host,
      port: admin.port,
      username: admin.user,
      password: admin.password,
      database: admin.database,
      sslmode: tls,
      superuser: false,
      // The provider's own default is three minutes, in every preview.
      connectTimeout: connectTimeoutSeconds,
    },
    { parent },
  );
}
