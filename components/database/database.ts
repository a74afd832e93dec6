import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { databaseUrlOf } from "./address";
import { type AdminConnection, DatabaseAdmin } from "./admin";

/** The schema of ledger and journal. */
const cutoverSchema = "mcp_cutover";

/** A table the cutover reads or writes. */
export interface TableRef {
  readonly schema: string;
  readonly table: string;
}

/** A sequence that gives rows their id when the cutover makes one. */
export interface SequenceRef {
  readonly schema: string;
  readonly sequence: string;
}

/** Arguments of {@link CutoverDatabase}. */
export interface CutoverDatabaseArgs extends AdminConnection {
  /** Name of the new role. */
  readonly role: string;
  /**
   * The role that owns the tables, if the cutover's role is to be a member of it. The write fence needs no
   * membership: the grants include TRIGGER, and dropping the fence's function, which the cutover's role owns,
   * drops the trigger.
   */
  readonly memberOf?: string;
  /** Tables the role may read and write. */
  readonly tables: readonly TableRef[];
  /** Sequences the role may take values from. An identity column needs none. @default none */
  readonly sequences?: readonly SequenceRef[];
}

/** A database role for the cutover: password, schema for ledger and journal, and grants on the rows it moves. */
export class CutoverDatabase extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:database:CutoverDatabase";

  /** DSN of the role. Secret. */
  readonly databaseUrl: pulumi.Output<string>;
  /** What must exist before the role can be used. */
  readonly ready: readonly pulumi.Resource[];

  private readonly args: CutoverDatabaseArgs;
  private readonly name: string;
  private readonly admin: DatabaseAdmin;

  constructor(name: string, args: CutoverDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super(CutoverDatabase.type, name, { role: args.role }, opts);
    this.args = args;
    this.name = name;
    this.admin = new DatabaseAdmin(name, args, this);

    const { role, password } = this.admin.createLogin(args.role, args.memberOf);
    const schema = this.createSchema(role);
    const grants = [
      ...args.tables.map((table) => this.createGrant(role, table)),
      ...(args.sequences ?? []).map((sequence) => this.createSequenceGrant(role, sequence)),
    ];
    const membership = this.createMembership(role);
    this.ready = [role, schema, ...grants, ...membership];
    this.databaseUrl = pulumi.secret(
      pulumi
        .all([this.admin.address, role.name, password])
        .apply(([admin, user, secret]) => databaseUrlOf({ ...admin, user, password: secret })),
    );
    this.registerOutputs({ role: role.name });
  }

  private createSchema(role: postgresql.Role): postgresql.Schema {
    return new postgresql.Schema(
      `${this.name}-schema`,
      {
        name: cutoverSchema,
        database: this.admin.address.database,
        owner: role.name,
        ifNotExists: true,
      },
      // The schema contains the journal: removing the resource must not remove the undo data.
      { parent: this, provider: this.admin.provider, retainOnDelete: true },
    );
  }

  private createGrant(role: postgresql.Role, table: TableRef): postgresql.Grant {
    return new postgresql.Grant(
      `${this.name}-${table.schema}-${table.table}`,
      {
        database: this.admin.address.database,
        role: role.name,
        schema: table.schema,
        objectType: "table",
        objects: [table.table],
        privileges: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRIGGER"],
      },
      { parent: this, provider: this.admin.provider },
    );
  }

  private createSequenceGrant(
    role: postgresql.Role,
    { schema, sequence }: SequenceRef,
  ): postgresql.Grant {
    return new postgresql.Grant(
      `${this.name}-${schema}-${sequence}`,
      {
        database: this.admin.address.database,
        role: role.name,
        schema,
        objectType: "sequence",
        objects: [sequence],
        privileges: ["USAGE"],
      },
      { parent: this, provider: this.admin.provider },
    );
  }

  private createMembership(role: postgresql.Role): postgresql.GrantRole[] {
    if (this.args.memberOf === undefined) return [];
    return [
      new postgresql.GrantRole(
        `${this.name}-owner`,
        { role: role.name, grantRole: this.args.memberOf },
        { parent: this, provider: this.admin.provider },
      ),
    ];
  }
}
