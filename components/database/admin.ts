import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { type DatabaseAddress, parseDatabaseUrl } from "./address";

const connectTimeoutSeconds = 10;
const passwordLength = 40;

/** How a server's certificate is checked. */
export type DatabaseTls = "verify-full" | "verify-ca" | "disable";

/** How to connect to a database server to create roles. */
export interface AdminConnection {
  /** DSN of a role that may create roles (and databases, where one is made), and grant on what is there. */
  readonly adminUrl: pulumi.Input<string>;
  /** The key of the configuration that holds it, for messages. @default "adminUrl" */
  readonly adminKey?: string;
  /** How the server's certificate is checked. */
  readonly tls: DatabaseTls;
}

/** A role that may log in. */
export interface Login {
  readonly role: postgresql.Role;
  readonly password: pulumi.Output<string>;
}

/** A database server with an administrator's login. */
export class DatabaseAdmin {
  /** Secret. */
  readonly address: pulumi.Output<DatabaseAddress>;
  readonly provider: postgresql.Provider;

  constructor(
    private readonly name: string,
    { adminUrl, adminKey = "adminUrl", tls }: AdminConnection,
    private readonly parent: pulumi.Resource,
  ) {
    this.address = pulumi.secret(
      pulumi.output(adminUrl).apply((url) => parseDatabaseUrl(url, adminKey)),
    );
    const { host, port, user, password, database } = this.address;
    this.provider = new postgresql.Provider(
      `${name}-admin`,
      {
        ...{ host, port, username: user, password, database },
        sslmode: tls,
        superuser: false,
        // The provider's own default is three minutes, in every preview.
        connectTimeout: connectTimeoutSeconds,
      },
      { parent },
    );
  }

  /** Creates a role with a random password. */
  createLogin(role: string, memberOf?: string): Login {
    const { parent, provider } = this;
    const password = new random.RandomPassword(
      `${this.name}-password`,
      // No character that must be escaped in a URL.
      { length: passwordLength, special: false },
      { parent },
    ).result;
    const args = {
      ...{ name: role, login: true, password },
      // Every update of a Role revokes the memberships that it does not list, so a separate membership would
      // disappear with the next password (resource_postgresql_role.go of the Terraform provider behind the
      // plugin).
      ...(memberOf === undefined ? {} : { roles: [memberOf] }),
    };
    return { role: new postgresql.Role(this.name, args, { parent, provider }), password };
  }
}
