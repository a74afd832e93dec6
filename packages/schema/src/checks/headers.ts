import { configPath, secretCommand } from "../paths";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import type { SecretNames } from "./servers";

/** Headers by which a caller shows who it is, and names that say so. */
const telling =
  /^(proxy-)?authorization$|^cookie2?$|token|secret|passw|passphrase|credential|api[-_]?key|access[-_]?key|private[-_]?key|signature|jwt|(^|[-_])(auth|pat|pwd|key)$/i;

/** What a value is that nobody should read, whatever its header is called. */
const credential = [
  // Schemes of HTTP authentication, then a value.
  /^(basic|bearer|token|digest|negotiate|apikey|api-key|hawk|hoba|mutual|scram-sha-\d+|aws4-hmac-sha256|dpop|gnap|privatetoken|vapid)\s+\S/i,
  // A login in a URL.
  /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i,
  // A signed token, and those that tell their issuer.
  /(^|[\s=])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+/,
  /(^|[\s=])(gh[pousr]_|github_pat_|glpat-|sk-|xox[abeoprs]-|xapp-|AKIA|ASIA|AIza|ya29\.|hvs\.|npm_|pypi-|dop_v1_|shp[acs]t_|ATATT)[A-Za-z0-9_-]{4,}/,
];

/** Credentials that stand as text, and keys of a Secret that the server does not have. */
export function headerProblems(
  key: string,
  { headers, secret }: Pick<ServerSettings, "headers" | "secret">,
  secrets: SecretNames | undefined,
): Problem[] {
  const seen = new Map<string, string>();
  return Object.entries(headers).flatMap(([name, value]): Problem[] => {
    const path = configPath(["servers", key, "headers", name]);
    const other = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (other !== undefined) {
      const problem = `is the same header as ${other}: case does not count.`;
      return [{ path, problem, fix: "Take one of them out." }];
    }
    if (typeof value === "string") {
      if (value === "" || !(telling.test(name) || credential.some((one) => one.test(value))))
        return [];
      const [, scheme] = /^([A-Za-z][\w-]*)\s+\S/.exec(value) ?? [];
      const before = scheme === undefined ? "" : `, prefix: "${scheme} "`;
      return [
        {
          path,
          problem: "holds a credential as text, which the stack file shows.",
          fix: `Write {secret: <name of a Secret>, key: <key>${before}} in its place, or {secretKey: <NAME>${before}} for serverSecrets.${key}.<NAME>; then change the credential.`,
        },
      ];
    }
    if (credential.some((one) => one.test(value.prefix ?? ""))) {
      return [
        {
          path: `${path}.prefix`,
          problem: "holds a credential as text, which the stack file shows.",
          fix: 'Leave no more there than what stands before the value, such as "Bearer "; then change the credential.',
        },
      ];
    }
    if (!("secretKey" in value) || secret !== undefined) return [];
    if (secrets?.keys.includes(value.secretKey) === true) return [];
    return [
      {
        path: `${path}.secretKey`,
        problem: `names "${value.secretKey}", which is no key of serverSecrets.${key}.`,
        fix: `Set it with: ${secretCommand(["serverSecrets", key, value.secretKey])}`,
      },
    ];
  });
}
