import { isObject, ownValue } from "./own";
import type { ServerInput } from "./server";

/** How to recognise a server that an application starts or that its image contains. */
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

/** What is known about a server before any configuration. */
export interface CatalogEntry {
  /** The settings that a stack need not repeat. */
  readonly server: ServerInput;
  /** Environment variables that are credentials. */
  readonly credentials: readonly string[];
  /**
   * At least one of these sets must be configured; otherwise the server starts but offers nothing. Empty: none
   * is needed.
   */
  readonly credentialSets: readonly (readonly string[])[];
  readonly traces: Traces;
}

/** The known servers, by the key of their row. */
export type Catalog = Readonly<Record<string, CatalogEntry>>;

type Fields = Readonly<Record<string, unknown>>;

/** Keys that only one source reads. They are dropped for a server whose source the stack changes. */
const ofSource = ["command", "args", "stdio", "code"] as const;

/** The stack's servers, completed from the catalog. A value that is not an object is left for the schema to refuse. */
export function withCatalog(servers: unknown, catalog: Catalog): unknown {
  if (!isObject(servers)) return servers;
  return Object.fromEntries(
    Object.entries(servers).map(([key, own]) => {
      const entry = ownValue(catalog, key);
      return [key, entry === undefined || !isObject(own) ? own : merged(entry.server, own)];
    }),
  );
}

/** A key of the stack replaces the catalog's. Variables and the keys of `row` are replaced one by one. */
function merged(known: ServerInput, own: Fields): Fields {
  const base: Record<string, unknown> = { ...known };
  if (own.source !== undefined && own.source !== (known.source ?? "image"))
    for (const key of ofSource) Reflect.deleteProperty(base, key);
  const both = (key: "env" | "row"): Fields =>
    isObject(own[key]) && isObject(base[key]) ? { [key]: { ...base[key], ...own[key] } } : {};
  return { ...base, ...own, ...both("env"), ...both("row"), ...egressOf(own.egress, known.egress) };
}

/**
 * Without a profile, the catalog's profile applies. Host names only narrow a profile, and the catalog's may be
 * the whole internet.
 */
function egressOf(own: unknown, known: ServerInput["egress"]): Fields {
  if (!isObject(own) || own.profile !== undefined) return {};
  const profile = own.fqdns === undefined ? known : "dns";
  return { egress: { ...own, profile } };
}
