import { configPath, secretCommand } from "../paths";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import { isCredential, isCredentialPrefix, schemeOf } from "./credentials";
import type { SecretNames } from "./secret-names";

/** Credentials written as text, and references to keys that the server's Secret does not have. */
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
      return [{ path, problem, fix: "Remove one of them." }];
    }
    if (typeof value === "string") {
      if (!isCredential(name, value)) return [];
      const scheme = schemeOf(value);
      const before = scheme === undefined ? "" : `, prefix: "${scheme} "`;
      return [
        {
          path,
          problem: "contains a credential as plain text, which the stack file shows.",
          fix: `Write {secret: <name of a Secret>, key: <key>${before}} in its place, or {secretKey: <NAME>${before}} for serverSecrets.${key}.<NAME>; then change the credential.`,
        },
      ];
    }
    if (isCredentialPrefix(value.prefix ?? "")) {
      return [
        {
          path: `${path}.prefix`,
          problem: "contains a credential as plain text, which the stack file shows.",
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
