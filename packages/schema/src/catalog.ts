import { isObject, ownValue } from "./own";
import type { ServerInput } from "./server";

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

/** What is known of a server before any configuration. */
export interface CatalogEntry {
  /** What a stack need not say of it. */
  readonly server: ServerInput;
  /** Environment variables that are credentials. */
  readonly credentials: readonly string[];
  /** One of these sets has to be configured, or the server starts and can do nothing. Empty: none needed. */
  readonly credentialSets: readonly (readonly string[])[];
  readonly traces: Traces;
}

/** The servers that are known, by the key of their row. */
export type Catalog = Readonly<Record<string, CatalogEntry>>;

type Fields = Readonly<Record<string, unknown>>;

/** What only one source reads: of no use to a server whose source the stack changes. */
const ofSource = ["command", "args", "stdio", "code"] as const;

/** What a stack says of its servers, with what the catalog knows of them. Anything but objects stays for the schema. */
export function withCatalog(servers: unknown, catalog: Catalog): unknown {
  if (!isObject(servers)) return servers;
  return Object.fromEntries(
    Object.entries(servers).map(([key, own]) => {
      const entry = ownValue(catalog, key);
      return [key, entry === undefined || !isObject(own) ? own : merged(entry.server, own)];
    }),
  );
}

/** A key of the stack stands in the place of the catalog's; variables and the row's keys one by one. */
function merged(known: ServerInput, own: Fields): Fields {
  const base: Record<string, unknown> = { ...known };
  if (own.source !== undefined && own.source !== (known.source ?? "image"))
    for (const key of ofSource) Reflect.deleteProperty(base, key);
  const both = (key: "env" | "row"): Fields =>
    isObject(own[key]) && isObject(base[key]) ? { [key]: { ...base[key], ...own[key] } } : {};
  return { ...base, ...own, ...both("env"), ...both("row"), ...egressOf(own.egress, known.egress) };
}

/** Without a profile it is the catalog's. Host names are there to narrow, and that one may be the whole internet. */
function egressOf(own: unknown, known: ServerInput["egress"]): Fields {
  if (!isObject(own) || own.profile !== undefined) return {};
  const profile = own.fqdns === undefined ? known : "dns";
  return { egress: { ...own, profile } };
}
