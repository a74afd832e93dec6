/** Headers by which a caller shows who it is, and names that say so. */
const telling =
  /^(proxy-)?authorization$|cookie2?$|token|secret|passw|passphrase|credential|api[-_]?key|access[-_]?key|private[-_]?key|signature|jwt|(^|[-_])(auth|pat|pwd|pass|pw|otp|sig|bearer|key)$/i;

/** Names that only speak of one, or have a key that opens nothing. */
const about =
  /[-_](budget|count|limit|type|version|ttl|expiry|scheme|format)$|^(x[-_])?max[-_]tokens$|^(x[-_])?(idempotency|partition|routing|sort|cache)[-_]key$/i;

/** What a header with a telling name may have without being one: `X-Require-Token: true`. */
const plain = /^(true|false|none|null|yes|no|on|off)$/i;

/** Schemes of HTTP authentication, in front of a value. */
const scheme =
  /^["']?(basic|bearer|token|digest|negotiate|apikey|api-key|jwt|ssws|geniekey|hawk|hoba|mutual|scram-sha-\d+|aws4-hmac-sha256|dpop|gnap|privatetoken|vapid)(:\s*|\s+)\S/i;

/** What a value is that nobody should read, whatever its header is called. */
const credential = [
  scheme,
  // A login in a URL.
  /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i,
  // A part of a connection's text, or a parameter of a URL.
  /(^|[;&?,\s])(password|passwd|pwd|(client[-_]?)?secret|api[-_]?key|(access|refresh|auth)?[-_]?token|(shared)?access[-_]?key|accountkey|sig|signature)=[^;&,\s]/i,
  // A signed token, a key, and tokens that tell their issuer.
  /(^|[\s=])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-/,
  /(^|[\s=.])(gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|AKIA|ASIA|AIza|ya29\.|hvs\.|npm_|pypi-|do[opr]_v1_|shp[acs]t_|ATATT|[rs]k_(live|test)_|SG\.|gl(sa|c)_|lin_api_|ntn_|hf_|dckr_pat_|sha256~|figd_)[A-Za-z0-9_-]{4,}/,
  /(^|[\s=])(sk-[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{32})/,
];

/** Whether a text is a credential by its looks, whatever it is called. */
export const isCredentialText = (text: string): boolean => credential.some((one) => one.test(text));

/** Whether a header with this text shows a credential. */
export function isCredential(name: string, value: string): boolean {
  if (value === "") return false;
  if (isCredentialText(value)) return true;
  return telling.test(name) && !about.test(name) && !plain.test(value);
}

/** Whether a prefix holds more than what stands before a credential: `Bearer `, `Token token=`. */
export function isCredentialPrefix(prefix: string): boolean {
  const before = prefix.replace(/[\w-]+=["']?$/, "");
  if (isCredentialText(before)) return true;
  // A login, and a word that is none.
  return (
    /[^\s:=]:[^\s:@=]+@?$/.test(before) || /(?=[A-Za-z]*\d)(?=\d*[A-Za-z])\w{12,}/.test(before)
  );
}

/** The scheme that a value begins with. Never any other word of it: that may be half of a passphrase. */
export function schemeOf(value: string): string | undefined {
  return scheme.exec(value)?.[1];
}
