import { keyId, keyOf, type KeyValues } from "./keys";
import type { CutoverSpec, RowSpec } from "./spec";

/** The content of a document. */
type Content = Readonly<Record<string, unknown>>;

/** The part of a URL before its path. */
const place = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\\s]+/i;

/** A path with nothing after it. SQL uses this pattern too, so it has only syntax that means the same there. */
export const pathPattern = "^(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$";

const path = new RegExp(pathPattern);

/** Whether the application may change the path of the row's URL. */
export function ownsUrl({ applicationOwns = [] }: Pick<RowSpec, "applicationOwns">): boolean {
  return applicationOwns.includes("url");
}

/** Scheme, host and port of a URL, as text. */
export function placeOf(url: string): string {
  return place.exec(url)?.[0] ?? url;
}

/**
 * Whether a URL leads to the same server as one of ours: the same scheme, host and port, compared as text, and
 * any path. A login, a query or a fragment makes it another server.
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

// Called for each row, and a table may be large.
const owners = new WeakMap<CutoverSpec, ReadonlySet<string>>();

/** The document with our URL where its own leads to the same server. Otherwise the document as it is. */
export function withOurUrl(content: Content, wanted: Content): Content {
  return sameServer(content.url, wanted.url) ? { ...content, url: wanted.url } : content;
}
