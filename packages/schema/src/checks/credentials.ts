/** Names of headers and variables that carry a credential. */
const telling =
  /^(proxy-)?authorization$|cookie2?$|token|secret|passw|passphrase|credential|api[-_]?key|access[-_]?key|private[-_]?key|signature|jwt|(^|[-_])(auth|pat|pwd|pass|pw|otp|sig|bearer|key)$/i;

/** Names that only describe a credential or hold a public key. */
const about =
  /[-_](budget|count|limit|type|version|ttl|expiry|scheme|format)$|^(x[-_])?max[-_]tokens$|^(x[-_])?(idempotency|partition|routing|sort|cache)[-_]key$/i;

/** Values that are no credential even under such a name: `X-Require-Token: true`. */
const plain = /^(true|false|none|null|yes|no|on|off)$/i;

/** Schemes of HTTP authentication that precede a value. */
const scheme =
  /^["']?(basic|bearer|token|digest|negotiate|apikey|api-key|jwt|ssws|geniekey|hawk|hoba|mutual|scram-sha-\d+|aws4-hmac-sha256|dpop|gnap|privatetoken|vapid)(:\s*|\s+)\S/i;

/** Values that are credentials whatever their name is. */
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

/** Whether a text has the form of a credential, whatever its name is. */
export const isCredentialText = (text: string): boolean => credential.some((one) => one.test(text));

/** Whether a header with this value shows a credential. */
export function isCredential(name: string, value: string): boolean {
  if (value === "") return false;
  if (isCredentialText(value)) return true;
  return telling.test(name) && !about.test(name) && !plain.test(value);
}

/** Whether a prefix contains more than what precedes a credential, such as `Bearer ` or `Token token=`. */
export function isCredentialPrefix(prefix: string): boolean {
  const before = prefix.replace(/[\w-]+=["']?$/, "");
  if (isCredentialText(before)) return true;
  // A login, followed by something that is not a scheme.
  return (
    /[^\s:=]:[^\s:@=]+@?$/.test(before) || /(?=[A-Za-z]*\d)(?=\d*[A-Za-z])\w{12,}/.test(before)
  );
}

/** The authentication scheme at the start of a value. No other word is returned: it may be part of a passphrase. */
export function schemeOf(value: string): string | undefined {
  return scheme.exec(value)?.[1];
}
