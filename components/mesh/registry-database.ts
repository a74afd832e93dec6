import * as k8s from "@pulumi/kubernetes";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { objectLabels } from "../core";
import { type AdminConnection, DatabaseAdmin, databaseUrlOf, type Login } from "../database";
import { registryComponent } from "./names";
import type { RegistryStorage } from "./registry-args";

/** The registry creates its tables in this schema, which needs no setting. */
const tablesSchema = "public";
const secretKey = "DATABASE_URL";

/** Arguments of {@link RegistryDatabase}. */
export interface RegistryDatabaseArgs extends AdminConnection {
  /** Name of the new database. */
  readonly database: string;
  /** Name of the new role. */
  readonly role: string;
  /**
   * The address of the server for the registry's pod.
   * @default as in `adminUrl`
   */
  readonly address?: { readonly host: string; readonly port: number };
  /** The registry's Service name; the Secret belongs to it. */
  readonly serviceName: string;
  readonly namespace: string;
  readonly application: string;
}

/**
 * A database for the registry. Its role may connect to it and create tables in it; elsewhere on the server it
 * has the rights of PUBLIC. Only it and the owner may connect. The Secret contains the registry's DSN.
 */
export class RegistryDatabase extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:RegistryDatabase";

  /** The registry's storage argument. */
  readonly storage: Extract<RegistryStorage, { kind: "postgresql" }>;
  /** What must exist before the registry's pod starts. */
  readonly ready: readonly pulumi.Resource[];

  private readonly args: RegistryDatabaseArgs;
  private readonly name: string;
  private readonly admin: DatabaseAdmin;

  constructor(name: string, args: RegistryDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super(RegistryDatabase.type, name, { database: args.database, role: args.role }, opts);
    this.args = args;
    this.name = name;
    this.admin = new DatabaseAdmin(name, args, this);

    const login = this.admin.createLogin(args.role);
    const database = this.createDatabase(login.role);
    const grants = this.createGrants(login.role, database);
    const secret = this.createSecret(login, database);
    this.ready = [...grants, secret];
    this.storage = {
      kind: "postgresql",
      secret: secret.metadata.name,
      key: secretKey,
      // Part of a policy, and not secret.
      port: pulumi.unsecret(this.address().port),
    };
    this.registerOutputs({ database: database.name, role: login.role.name });
  }

  /** Depends on the role, so that it is dropped first: a role that owns tables cannot be dropped. */
  private createDatabase(role: postgresql.Role): postgresql.Database {
    return new postgresql.Database(
      this.name,
      { name: this.args.database },
      { parent: this, provider: this.admin.provider, dependsOn: [role] },
    );
  }

  /** Revokes PostgreSQL's default grants to PUBLIC, and grants the role what it needs. */
  private createGrants(role: postgresql.Role, database: postgresql.Database): postgresql.Grant[] {
    const onDatabase = { database: database.name, objectType: "database" };
    const onSchema = { database: database.name, objectType: "schema", schema: tablesSchema };
    const everybody = { role: "public", privileges: [] };
    const grants = {
      "nobody-connects": { ...onDatabase, ...everybody },
      "nobody-creates": { ...onSchema, ...everybody },
      connects: { ...onDatabase, role: role.name, privileges: ["CONNECT"] },
      creates: { ...onSchema, role: role.name, privileges: ["USAGE", "CREATE"] },
    };
    return Object.entries(grants).map(
      ([what, args]) =>
        new postgresql.Grant(`${this.name}-${what}`, args, {
          parent: this,
          provider: this.admin.provider,
        }),
    );
  }

  /** Autonamed: a new password creates a new Secret, whose name in the template rolls the pod. */
  private createSecret(
    { role, password }: Login,
    database: postgresql.Database,
  ): k8s.core.v1.Secret {
    const { serviceName, namespace, application, tls } = this.args;
    const url = pulumi
      .all([this.address(), role.name, password, database.name])
      .apply(([address, user, secret, name]) =>
        databaseUrlOf({ ...address, user, password: secret, database: name }),
      );
    const labels = objectLabels({ name: serviceName, component: registryComponent, application });
    return new k8s.core.v1.Secret(
      `${this.name}-login`,
      {
        metadata: { namespace, labels },
        type: "Opaque",
        stringData: pulumi.secret({ [secretKey]: pulumi.interpolate`${url}?sslmode=${tls}` }),
      },
      { parent: this },
    );
  }

  private address(): pulumi.Output<{ host: string; port: number }> {
    const { address } = this.args;
    return address === undefined
      ? this.admin.address.apply(({ host, port }) => ({ host, port }))
      : pulumi.output(address);
  }
}
