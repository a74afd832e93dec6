import type { Resources } from "../../components/core";
import type { Egress, Health } from "../../components/server";

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
  readonly health: Health;
  readonly env: Readonly<Record<string, string>>;
  /** Environment variables that are credentials. */
  readonly secretKeys: readonly string[];
  /** One of these sets has to be configured, or the server starts and can do nothing. Empty: none needed. */
  readonly credentialSets: readonly (readonly string[])[];
  readonly writable: readonly string[];
  readonly session: "stateless" | "stateful";
  readonly egress: Egress;
  /** Whether it reads the application's database. @default false */
  readonly database?: boolean;
  /** Tools the probe must find. */
  readonly requiredTools: readonly string[];
  readonly minTools: number;
  readonly startSeconds: number;
  readonly resources: Resources;
  readonly row: CatalogRow;
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
