import { ownValue } from "../own";
import type { Problem } from "../problems";
import { referencesOf } from "../references";
import type { EnvValue } from "../server-env";

/** Where `$(NAME)` may come from besides the variables themselves. */
export interface EnvSources {
  /** Keys of the stack's secrets for this server. */
  readonly secretKeys: readonly string[];
  /** Whether the server uses a Secret with unknown keys; then any name may be one of them. */
  readonly unknownSecret: boolean;
  /**
   * Whether this is another container than the server's own, which gets no secrets.
   * @default false
   */
  readonly noSecrets?: boolean;
}

/** References to variables that do not exist, and variables that refer to themselves. */
export function envProblems(
  owner: string,
  env: Readonly<Record<string, EnvValue>>,
  sources: EnvSources,
): Problem[] {
  const at = `${owner}.env`;
  return Object.entries(env).flatMap(([name, value]) => {
    const problems: Problem[] = [];
    for (const other of new Set(referencesOf(value))) {
      if (Object.hasOwn(env, other) || sources.unknownSecret || sources.secretKeys.includes(other))
        continue;
      problems.push({
        path: `${at}.${name}`,
        problem: `refers to $(${other}), which is ${sources.noSecrets === true ? "not in its env, and it has no secrets of the server" : `neither in env nor in serverSecrets.${owner.split(".")[1] ?? ""}`}.`,
        fix: `Set ${at}.${other} to {secret: <name>, key: <key>} or to text, or write $$(${other}) for the text itself.`,
      });
    }
    if (reaches(name, name, env, new Set())) {
      problems.push({
        path: `${at}.${name}`,
        problem: "refers to itself.",
        fix: `Remove $(${name}), or write $$(${name}) for the text itself.`,
      });
    }
    return problems;
  });
}

function reaches(
  from: string,
  to: string,
  env: Readonly<Record<string, EnvValue>>,
  seen: Set<string>,
): boolean {
  return referencesOf(ownValue(env, from)).some((other) => {
    if (other === to) return true;
    if (seen.has(other)) return false;
    seen.add(other);
    return reaches(other, to, env, seen);
  });
}
