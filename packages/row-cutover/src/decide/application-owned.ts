import { keyId, keyOf, type KeyValues } from "./keys";
import type { CutoverSpec, RowSpec } from "./spec";

/** A document's content. */
type Content = Readonly<Record<string, unknown>>;

/** Everything of a URL before its path, as it is written. */
const place = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\\s]+/i;

/** A path and nothing behind it. Read by SQL too, so it has only what means the same there. */
export const pathPattern = "^(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$";

const path = new RegExp(pathPattern);

/** Whether another path in the row's URL is the application's business. */
export function ownsUrl({ applicationOwns = [] }: Pick<RowSpec, "applicationOwns">): boolean {
  return applicationOwns.includes("url");
}

/** Scheme, host and port of a URL, as text. */
export function placeOf(url: string): string {
  return place.exec(url)?.[0] ?? url;
}

/**
 * Whether a URL leads to the same server as one of ours: same scheme, host and port, letter for letter, and any path.
 * Login, query and fragment are not the application's to add.
 */
export function sameServer(url: unknown, ours: unknown): boolean {
  if (typeof url !== "string" || typeof ours !== "string") return false;
  if (url === ours) return true;
  const at = placeOf(ours);
  return url.startsWith(at) && path.test(url.slice(at.length));
}

/** Whether the application owns the URL of a row. @param match the server's key in the row */
export function ownsUrlOf(spec: CutoverSpec, match: KeyValues): boolean {
  let keys = owners.get(spec);
  if (keys === undefined) {
    keys = new Set(spec.rows.filter(ownsUrl).map(({ key }) => keyId(keyOf(key))));
    owners.set(spec, keys);
  }
  return keys.size > 0 && keys.has(keyId(match));
}

// Asked for each row of what may be a large table.
const owners = new WeakMap<CutoverSpec, ReadonlySet<string>>();

/** The document with our URL in place of the application's own; as it is where the URL leads elsewhere. */
export function withOurUrl(content: Content, wanted: Content): Content {
  return sameServer(content.url, wanted.url) ? { ...content, url: wanted.url } : content;
}
