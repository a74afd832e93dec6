import { environment } from "./document";

/** A credential anywhere in a document. The value is secret. */
export interface Credential {
  /** The variable, or the option as it is written. For messages. */
  readonly name: string;
  /** The environment variable that a server would read it from: `API_KEY` for `--api-key`. */
  readonly variable: string;
  readonly value: unknown;
}

const assignment = /^([A-Za-z_]\w*)=(.*)$/s;

const inScript = /(?<=[\s;'"])([A-Za-z_]\w*)=(?:["']([^"']*)["']|([^\s;&|'"]+))/g;

const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;

/** Values of options that are no credentials although the name looks like one: `--auth none`. */
const plain = /^(true|false|none|null|yes|no|on|off|\d{1,5})?$/i;

/**
 * Finds credentials by name or form: variables of `env` (an object or a list), assignments before the command or in
 * its arguments, options, passwords in URLs, headers in arguments, and every other value whose name looks like a
 * credential's: `headers.Authorization`, `api_key`, a parameter of the URL.
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
      const as = variableOf(name);
      if (looksSecret(as)) found.push({ name, variable: as, value });
    }
    const text = inline ?? word;
    if (password.test(text))
      found.push({ name: "a password in a URL", variable: "PASSWORD", value: text });
    if (isTellingHeader(text))
      found.push({ name: "a header among the arguments", variable: "AUTHORIZATION", value: text });
  }
  const { url, ...rest } = content;
  if (typeof url === "string") {
    if (password.test(url))
      found.push({ name: "a password in url", variable: "PASSWORD", value: url });
    for (const [name, value] of URL.canParse(url) ? new URL(url).searchParams : []) {
      if (isTelling(name) && !plain.test(value))
        found.push({ name: `the parameter ${name} of url`, variable: variableOf(name), value });
    }
  }
  return [...found, ...telling(rest, [])];
}

/** Values with credential-like names, outside of the keys that start a process. */
function telling(
  content: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Credential[] {
  return Object.entries(content).flatMap(([name, value]): Credential[] => {
    if (path.length === 0 && processKeys.includes(name)) return [];
    const at = [...path, name];
    if (typeof value === "object" && value !== null)
      return telling(value as Readonly<Record<string, unknown>>, at);
    const is =
      typeof value === "string" && !plain.test(value) && (isTelling(name) || password.test(value));
    return is ? [{ name: at.join("."), variable: variableOf(name), value }] : [];
  });
}

const processKeys: readonly string[] = ["command", "args", "env", "cwd"];

function isTelling(name: string): boolean {
  return looksSecret(variableOf(name)) || /^(proxy-)?authorization$|^cookie$/i.test(name);
}

/** `X-Auth-Token: ...` */
function isTellingHeader(text: string): boolean {
  const [, name] = /^([A-Za-z][\w-]*)\s*:\s*\S/.exec(text) ?? [];
  return name !== undefined && isTelling(name);
}

/** The name as an environment variable: `X_API_KEY` for `X-Api-Key`. */
export function variableOf(name: string): string {
  return name
    .replace(/^-+/, "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toUpperCase();
}

/** Environment variables of the document's process: from `env`, from the command and from its arguments. */
export function variablesOf(content: Readonly<Record<string, unknown>>): [string, unknown][] {
  const assigned = wordsOf(content).flatMap((word): [string, unknown][] => {
    const [, name, value] =
      assignment.exec(word.replace(/^(--env=|-e)(?=[A-Za-z_]\w*=)/, "")) ?? [];
    if (name !== undefined) return [[name, value]];
    // A command line for a shell.
    return [...word.matchAll(inScript)].map(([, inner = "", quoted, bare]) => [
      inner,
      quoted ?? bare,
    ]);
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

export const secretName =
  "TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|(^|_)(PAT|PWD|AUTH|KEY)$";

const secret = new RegExp(secretName, "i");

/** Whether the name of an environment variable looks like a credential. In SQL: `looksSecretSql`. */
export function looksSecret(name: string): boolean {
  return secret.test(name);
}
