import { environment } from "./document";
import { literal } from "./identifiers";
import { looksSecret } from "./secrets";

/** A credential of a document, wherever in it. The value is secret. */
export interface Credential {
  /** The variable, or the option as it is written. For messages. */
  readonly name: string;
  /** The variable's name that a server would have it under: `--api-key` is `API_KEY`. */
  readonly variable: string;
  readonly value: unknown;
}

const assignment = /^([A-Za-z_]\w*)=(.*)$/s;
const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;
const header = /^(authorization|proxy-authorization|x-api-key|cookie)\s*:\s*\S/i;
/** What an option with a telling name may have without being one: `--auth none`. */
const plain = /^(true|false|none|null|yes|no|on|off|\d{1,5})?$/i;

/**
 * Everything in a document that is a credential going by its name or form: variables of `env` (as an object or a
 * list), assignments in front of the command or among its arguments, options, passwords in URLs, headers given as
 * arguments.
 */
export function credentialsOf(content: Readonly<Record<string, unknown>>): Credential[] {
  const found: Credential[] = [];
  const variable = (name: string, value: unknown): void => {
    if (looksSecret(name) || (typeof value === "string" && password.test(value)))
      found.push({ name, variable: name, value });
  };
  for (const [name, value] of variablesOf(content)) variable(name, value);
  const words = wordsOf(content);
  for (const [i, word] of words.entries()) {
    if (assignment.test(word)) continue; // a variable, see above
    const [, name, inline] = /^(--?[A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const next = words[i + 1];
    const value = inline ?? (next === undefined || next.startsWith("-") ? undefined : next);
    if (name !== undefined && value !== undefined && !plain.test(value)) {
      const as = name.replace(/^-+/, "").replaceAll("-", "_").toUpperCase();
      if (looksSecret(as)) found.push({ name, variable: as, value });
    }
    const text = inline ?? word;
    if (password.test(text))
      found.push({ name: "a password in a URL", variable: "PASSWORD", value: text });
    if (header.test(text))
      found.push({ name: "a header among the arguments", variable: "AUTHORIZATION", value: text });
  }
  if (typeof content.url === "string" && password.test(content.url))
    found.push({ name: "a password in url", variable: "PASSWORD", value: content.url });
  return found;
}

/** Variables that the document's process gets, by name: of `env`, of the command and of its arguments. */
export function variablesOf(content: Readonly<Record<string, unknown>>): [string, unknown][] {
  const assigned = wordsOf(content).flatMap((word): [string, unknown][] => {
    const [, name, value] = assignment.exec(word) ?? [];
    return name === undefined ? [] : [[name, value]];
  });
  return [...environment(content), ...assigned];
}

/** Whether one of a server's own variables is that credential: `GITHUB_TOKEN` is `--token`. */
export function isConfigured({ variable }: Credential, keys: readonly string[]): boolean {
  return keys.some((key) => {
    const name = key.toUpperCase();
    return name === variable.toUpperCase() || name.endsWith(`_${variable.toUpperCase()}`);
  });
}

function wordsOf({ command, args }: Readonly<Record<string, unknown>>): string[] {
  const given = Array.isArray(args) ? args : [];
  return [
    ...(typeof command === "string" ? command.split(/\s+/).filter((word) => word !== "") : []),
    ...given.flatMap((arg: unknown) => (typeof arg === "string" ? [arg] : [])),
  ];
}

const telling =
  'token|secret|passw|passphrase|api[-_]?key|private[-_]?key|access[-_]?key|credential|[-_](pat|pwd|auth|key)|authorization|cookie|://[^/@"]*:[^/@"]+@';

/** Whether a document may have one outside of an `env` object, in SQL: rather too often than not. */
export function maybeHidden(content: string): string {
  return `case when ${content} ? 'command'
    then coalesce(jsonb_typeof(${content} -> 'env') = 'array' or ${content} ->> 'command' ~* ${literal(telling)}
      or ${content} ->> 'args' ~* ${literal(telling)} or ${content} ->> 'env' ~ '://[^/@"]*:[^/@"]+@', false)
    else coalesce(${content} ->> 'url' ~ '://[^/@]*:[^/@]+@', false) end`;
}
