/** CPU and memory as Kubernetes writes them. */
interface Amounts {
  readonly cpu?: string;
  readonly memory?: string;
}

/** By what a server is known where it is started by an application, or lies in its image. */
export interface Traces {
  /** Commands on PATH. */
  readonly programs?: readonly string[];
  /** Packages of npm. */
  readonly npm?: readonly string[];
  /** Packages of Python, as their directories are named. */
  readonly python?: readonly string[];
  /** Files, as `find -path` takes them. */
  readonly files?: readonly string[];
}

/** What the program knows of a server before any configuration. */
export interface CatalogEntry {
  /** Name of the Service, the Deployment and the ServiceAccount. */
  readonly serviceName: string;
  /** Image used when the configuration names none. Absent where an image has to be built or is private. */
  readonly image?: string;
  readonly source: "image" | "bridge";
  /** Replaces the image's entrypoint. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** The stdio server's command line, for a bridge. */
  readonly stdio?: string;
  readonly port: number;
  readonly path: string;
  readonly health: { readonly kind: "tcp" } | { readonly kind: "http"; readonly path: string };
  readonly env: Readonly<Record<string, string>>;
  /** Environment variables that are credentials. */
  readonly secretKeys: readonly string[];
  /** One of these sets has to be configured, or the server starts and can do nothing. Empty: none needed. */
  readonly credentialSets: readonly (readonly string[])[];
  readonly writable: readonly string[];
  readonly session: "stateless" | "stateful";
  readonly egress: "none" | "dns" | "cluster" | "internet";
  /** Whether it reads the application's database. @default false */
  readonly database?: boolean;
  /** Tools the probe must find. */
  readonly requiredTools: readonly string[];
  readonly minTools: number;
  readonly startSeconds: number;
  readonly resources: { readonly requests?: Amounts; readonly limits?: Amounts };
  readonly row: CatalogRow;
  readonly traces: Traces;
}

/** The server's row in the application's table. */
export interface CatalogRow {
  /** Older keys of the same server. */
  readonly aliases: readonly string[];
  /** Columns of a row that does not exist yet. Absent: no row is made. */
  readonly seed?: {
    readonly condition?: string;
    readonly values: Readonly<Record<string, string>>;
  };
}
