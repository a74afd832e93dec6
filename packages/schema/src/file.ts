import { UserError } from "@mcp-fleet/errors";

import type { Catalog } from "./catalog";
import { checkStack, type StackSecrets } from "./check";
import type { SecretNames } from "./checks";
import { isObject } from "./own";
import { configPath, removeCommand, secretCommand, type Step } from "./paths";
import { type Problem, unknownKey } from "./problems";
import { readYaml } from "./read-yaml";
import { stackSchema } from "./stack";
import { valueOfText } from "./values";

const prefix = "mcp-fleet:";
/** Keys of a stack that are secrets; no schema contains them. */
export const secretKeys: readonly string[] = [
  "databaseUrl",
  "meshDatabaseUrl",
  "serverSecrets",
  "studioSecrets",
];

type Fields = Readonly<Record<string, unknown>>;

/** The result of checking a stack's file. */
export interface CheckedFile {
  readonly problems: readonly Problem[];
  /** Secrets whose names are encrypted too. What depends on them was not checked. */
  readonly unseen: readonly string[];
  /** Keys of the enabled servers. */
  readonly servers: readonly string[];
}

/**
 * Checks a `Pulumi.<stack>.yaml` without engine, cluster and encryption key: only the names of secrets are
 * known.
 * @param file its name, for messages
 * @throws UserError when it is not a stack's file
 */
export function checkStackFile(file: string, text: string, catalog: Catalog): CheckedFile {
  const config = configOf(file, text);
  const own = Object.entries(config).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  );
  const shape = stackSchema.shape as Fields;
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, value] of own) {
    if (secretKeys.includes(key)) problems.push(...inClear(key, value));
    else if (!Object.hasOwn(shape, key))
      problems.push(unknownKey([key], [...Object.keys(shape), ...secretKeys]));
    else problems.push(...encryptedParts(value, [key]));
    if (!Object.hasOwn(shape, key) || isCiphertext(value)) continue;
    const read = typeof value === "string" ? valueOfText(key, value) : { value };
    if ("problem" in read) problems.push(read.problem);
    else values[key] = read.value;
  }
  const given = Object.fromEntries(own);
  const shared = (values.shared as { outputs?: Fields } | undefined)?.outputs ?? {};
  if (shared.namespace !== undefined) values.namespace ??= "shared";
  const unseen = ["serverSecrets", "studioSecrets"].filter((key) => isCiphertext(given[key]));
  const rendered = config["kubernetes:renderYamlToDirectory"] !== undefined;
  const checked = checkStack(values, secretsOf(given, shared), { catalog, rendered, text });
  const found = checked.problems.filter(
    ({ path, problem }) =>
      !problems.some((one) => path.startsWith(one.path)) &&
      !unseen.some((key) => path.startsWith(key) || problem.includes(key)),
  );
  return {
    problems: [...problems, ...found],
    unseen,
    servers: checked.servers.map(({ key }) => key),
  };
}

function configOf(file: string, text: string): Fields {
  const fix = "Name a Pulumi.<stack>.yaml.";
  const content = readYaml(file, text);
  // A stack without configuration contains its secrets provider or salt, or nothing at all.
  const empty = content === null || (isObject(content) && Object.keys(content).every(isOfStack));
  const config = isObject(content) ? (content.config ?? undefined) : undefined;
  if (config === undefined && empty) return {};
  if (!isObject(config)) throw new UserError(`${file} holds no stack configuration.`, fix);
  return config;
}

function isOfStack(key: string): boolean {
  return ["config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment"].includes(
    key,
  );
}

/** The names of the secrets. Those of another stack count as present. */
function secretsOf(given: Fields, shared: Fields): StackSecrets {
  const servers = isObject(given.serverSecrets) ? given.serverSecrets : {};
  const studio = [given.studioSecrets, shared.studioSecrets].flatMap((one) =>
    isObject(one) && !isCiphertext(one) ? Object.keys(one) : [],
  );
  return {
    databaseUrl: (given.databaseUrl ?? shared.databaseUrl) !== undefined,
    meshDatabaseUrl: given.meshDatabaseUrl !== undefined,
    studio: { keys: studio },
    servers: isCiphertext(servers)
      ? {}
      : Object.fromEntries(
          Object.entries(servers).flatMap(([key, names]): [string, SecretNames][] =>
            isObject(names) ? [[key, { keys: Object.keys(names).sort() }]] : [],
          ),
        ),
  };
}

/** Secrets that the file holds in plain text. */
function inClear(key: string, value: unknown): Problem[] {
  const found: Problem[] = [];
  const walk = (inner: unknown, path: readonly string[]): void => {
    if (isCiphertext(inner)) return;
    if (isObject(inner)) {
      for (const [name, one] of Object.entries(inner)) walk(one, [...path, name]);
    } else if (inner !== null && inner !== undefined) {
      found.push(notSecret(path));
    }
  };
  walk(value, [key]);
  return found;
}

/** The problem of a secret that the file holds in plain text. */
export function notSecret(path: readonly Step[]): Problem {
  return {
    path: configPath(path),
    problem: "is stored in plain text.",
    fix: `Set it again with: ${secretCommand(path)}; then change the credential, since the old value is in the stack file.`,
  };
}

/** Encrypted parts of a key that is not a secret. The engine would then treat the whole key as secret. */
function encryptedParts(value: unknown, path: readonly Step[]): Problem[] {
  if (isCiphertext(value)) return [encrypted(path)];
  if (typeof value !== "object" || value === null) return [];
  const parts: [Step, unknown][] = Array.isArray(value)
    ? [...(value as unknown[]).entries()]
    : Object.entries(value);
  return parts.flatMap(([step, one]) => encryptedParts(one, [...path, step]));
}

/** The encrypted parts of one key, from the text of the stack's file; without the text, the key itself. */
export function encryptedIn(text: string, key: string): Problem[] {
  let value: unknown;
  try {
    value = configOf("", text)[`${prefix}${key}`];
  } catch {
    value = undefined;
  }
  const found = encryptedParts(value, [key]);
  return found.length === 0 ? [encrypted([key])] : found;
}

/** The problem of a value that is encrypted and must not be. */
function encrypted(path: readonly Step[]): Problem {
  return {
    path: configPath(path),
    problem: "is encrypted, and would be stored in plain text in objects and state.",
    fix: `Remove it with: ${removeCommand(path)}; then put credentials in serverSecrets.<server>.<KEY>, and the rest of it in plain text.`,
  };
}

/** Whether a value of a stack's file is encrypted. */
export function isCiphertext(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 1 && typeof value.secure === "string";
}
