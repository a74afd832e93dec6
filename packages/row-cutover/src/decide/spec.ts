import type { ConnectionOptions } from "node:tls";

/** Where the rows point: to servers in the cluster, or to those inside the application's own image. */
export type Target = "in-cluster" | "embedded";

/** A row's key: one value, or one for each key column. */
export type RowKey = string | readonly string[];

/** The table and the columns that matter. Every name is an identifier, quoted before use. */
export interface TableSpec {
  readonly schema: string;
  readonly table: string;
  /** The columns that identify a row for the configuration, such as `["server_key"]`. */
  readonly key: readonly string[];
  /**
   * The column whose value is a server's key, where one server has many rows: those of its users. The keys of
   * the configuration are values of this column then, and one entry stands for all rows with its value. Default:
   * `key` itself, so that each entry is one row.
   */
  readonly match?: string;
  /** The column that foreign keys and soft references point to. Needed to merge an alias row. */
  readonly id?: string;
  /** The column with the server's configuration: `text`, `json` or `jsonb`. */
  readonly config: string;
  /** Only rows with this value are the application's own; all others are never touched. */
  readonly type?: { readonly column: string; readonly value: string };
  /** Set to the transaction's time when a row is rewritten, and restored by the undo. */
  readonly updatedAt?: string;
  /** Where `updatedAt` is a number: what it counts since 1970. */
  readonly updatedAtUnit?: "seconds" | "milliseconds";
  /** Conditions on rows. The cutover ignores rows that do not meet all of them, such as rows that are marked as deleted. Default: none. */
  readonly where?: readonly RowCondition[];
}

/** A condition on one column. Values are compared as the column reads as text. */
interface RowCondition {
  readonly column: string;
  readonly operator: "=" | "<>" | "is null" | "is not null";
  /** Of `=` and `<>`. */
  readonly value?: string;
}

/**
 * Where a header's value is stored: a Secret of the cluster, a file, or the stack's own secrets. The caller of
 * this package puts the values into `headers`; only their source matters here, for {@link specHash}.
 */
export type HeaderSource =
  | {
      readonly namespace: string;
      readonly secret: string;
      readonly key: string;
      readonly prefix?: string;
    }
  | { readonly file: string; readonly prefix?: string }
  | { readonly stack: string };

/** What one row becomes. */
export interface RowSpec {
  readonly key: RowKey;
  readonly url: string;
  readonly transport: "streamable-http";
  /** Written beside URL and transport. The values may be secret and are never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the values of some of them come from, by name. A value with a source is in no hash. */
  readonly headersFrom?: Readonly<Record<string, HeaderSource>>;
  /** Keys of the old document that stay. `all`: everything but command, args, env and cwd. Default: none. */
  readonly keep?: "all" | readonly string[];
  /**
   * What the application may write differently from a run. `url`: another path on the same scheme, host and port
   * counts as ours, for a run, for Settle, for drift and for an undo. Default: nothing.
   */
  readonly applicationOwns?: readonly "url"[];
  /** Other columns written with the row, by name. */
  readonly set?: Readonly<Record<string, string | null>>;
  /** Older keys of the same row: renamed, or merged where both rows exist. */
  readonly aliases?: readonly RowKey[];
  /** Inserts the row where it is missing and `condition` (a SQL query) returns a row. Default condition: none. */
  readonly seed?: {
    readonly condition?: string;
    readonly values: Readonly<Record<string, string>>;
  };
  /** Environment variables configured for the server: a credential in the old row must be among them. */
  readonly secretKeys?: readonly string[];
  /**
   * The server's own plain variables and arguments. The plan names those of the old row that differ. They are
   * not written and not part of {@link specHash}. Default: nothing is compared.
   */
  readonly settings?: {
    readonly env: Readonly<Record<string, string>>;
    readonly args: readonly string[];
  };
}

/** A text column that lists ids of rows without a foreign key. */
export interface SoftReference {
  /** In the table's own schema unless given as `schema.table`. */
  readonly table: string;
  /** SQL condition that finds the rows. */
  readonly where: string;
  readonly column: string;
  readonly format: "comma-separated";
}

/** One cutover: which rows, what they become, and how conflicts are handled. */
export interface CutoverSpec {
  /** Identity in the ledger, `<project>/<stack>`. */
  readonly name: string;
  readonly table: TableSpec;
  readonly rows: readonly RowSpec[];
  /** Keys of the application's own rows that stay as they are for now. */
  readonly deferred: readonly RowKey[];
  /** Keys of rows that are ignored, such as malformed ones. */
  readonly skip: readonly RowKey[];
  readonly softReferences: readonly SoftReference[];
  /** What an undo does with a row that was changed since. */
  readonly onConflict: "fail" | "keep" | "force";
  /** Whether triggers protect the rows until {@link settle}. */
  readonly fence: boolean;
  readonly timeouts?: {
    /** How long one attempt waits for locks, in seconds. Default 5. */
    readonly lockSeconds?: number;
    /** Limit of one statement, in seconds. Default 60. */
    readonly statementSeconds?: number;
  };
  /** Refuses above this many of the application's own rows. Default 100,000. */
  readonly maxRows?: number;
  /**
   * What happens to a user's own row under an alias of a configured server. `merge`: its references move to the
   * application's own row, and it is deleted. Default: the run is refused.
   */
  readonly customAliases?: "refuse" | "merge";
  /** Allows a superuser, with whose rights code of the table's owner then runs. Default false. */
  readonly allowSuperuser?: boolean;
  /** Allows a publication that sends ledger and journal to subscribers, old credentials included. Default false. */
  readonly allowPublications?: boolean;
}

/** Who runs it: recorded in the ledger. */
export interface RunMeta {
  /**
   * A UUID of the run that the caller already knows.
   * @default a random one
   */
  readonly runId?: string;
  readonly who: string;
  readonly stack: string;
  readonly commit?: string;
  readonly toolVersion: string;
  /** What each server listed just before the run, by server: stored for later comparison. */
  readonly tools?: ToolLists;
  /** The MCP protocol versions that servers and consumers agreed on just before the run. */
  readonly protocols?: AgreedProtocols;
  /** The images that their pods ran. */
  readonly images?: RunningImages;
  /** A hash of what the servers' tools were agreed to be, as the run held them to it. Absent where nothing was agreed. */
  readonly toolsLock?: string;
}

/** Names of tools by server. */
export type ToolLists = Readonly<Record<string, readonly string[]>>;

/** Protocol versions by server and consumer. */
export type AgreedProtocols = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Images by server and container, with their digests as the nodes pulled them; several where its pods differ. */
export type RunningImages = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** A connection. The package opens and closes its own. */
export interface Db {
  readonly connectionString: string;
  readonly ssl?: boolean | ConnectionOptions;
}
