import { cleanLine, messageOf, readTextFile, UserError } from "@mcp-fleet/errors";
import { isCiphertext, readYaml, secretKeys as secretsOfStacks } from "@mcp-fleet/schema";

/** Placeholder for an unknown secret; it is never written. */
export const unknownSecret = "[not known to render]";
/** The same where only a URL is accepted; nothing connects to it. */
const unknownDatabase = "postgresql://user:unknown@database.invalid:5432/database";

/** A stack's configuration by `namespace:name`, as the engine passes it: objects as JSON text. */
export interface StackConfigText {
  readonly values: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** One entry of `pulumi config --json --show-secrets`. */
interface CliEntry {
  readonly value?: unknown;
  readonly secret?: boolean;
}

/**
 * Reads a `Pulumi.<stack>.yaml`, or the output of `pulumi config --json --show-secrets`. Of encrypted values in
 * the former only the place is known.
 *
 * @param assumed `<server>.<KEY>` of secrets that the file does not contain, for the references to them
 * @throws UserError for a file that cannot be read, and for names that are encrypted with their values
 */
export function readStackFile(file: string, assumed: readonly string[] = []): StackConfigText {
  const entries = fromCli(file) ?? fromStackFile(file);
  const values: Record<string, string> = {};
  const secretKeys: string[] = [];
  for (const [key, { value, secret }] of Object.entries(entries)) {
    const clear = withoutCiphertext(key, value);
    values[key] = typeof clear === "string" ? clear : JSON.stringify(clear);
    if (secret === true || secretsOfStacks.some((name) => key.endsWith(`:${name}`))) {
      secretKeys.push(key);
    }
  }
  return assume({ values, secretKeys }, assumed);
}

function fromCli(file: string): Record<string, CliEntry> | undefined {
  if (!file.endsWith(".json")) return undefined;
  const entries = Object.entries(readObject(file));
  const wrong = entries.find(([, entry]) => typeof entry !== "object" || entry === null);
  if (wrong === undefined) return Object.fromEntries(entries);
  throw new UserError(
    `[${cleanLine(wrong[0])}] is no entry of a configuration: there is no {"value": …, "secret": …}.`,
    "Name a .json file with the output of: pulumi config --json --show-secrets",
  );
}

function fromStackFile(file: string): Record<string, CliEntry> {
  const { config } = readObject(file) as { config?: Record<string, unknown> };
  const set = Object.entries(config ?? {}).filter(
    ([, value]) => (value ?? undefined) !== undefined,
  );
  return Object.fromEntries(set.map(([key, value]) => [key, { value }]));
}

function readObject(file: string): object {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw new UserError(
      `${file} cannot be read: ${messageOf(error)}.`,
      "Name a Pulumi.<stack>.yaml, or a .json file with the output of: pulumi config --json --show-secrets",
    );
  }
  const content = readYaml(file, text);
  if (typeof content === "object" && content !== null) return content;
  throw new UserError(`${file} holds no stack configuration.`, "Name a Pulumi.<stack>.yaml.");
}

/**
 * Replaces `{secure: <ciphertext>}` at any depth by a mark. The names around it are in plain text, and only they
 * are needed.
 */
function withoutCiphertext(key: string, value: unknown): unknown {
  if (isCiphertext(value)) {
    if (/:(serverSecrets|studioSecrets)$/.test(key)) {
      const name = key.split(":").at(-1) ?? key;
      throw new UserError(
        `[${name}] is encrypted as a whole, so not even its names can be read.`,
        `Set it by parts (pulumi config set --secret --path ${name}.<name> ...), or name a .json file with the output of: pulumi config --json --show-secrets`,
      );
    }
    return /:(databaseUrl|meshDatabaseUrl)$/.test(key) ? unknownDatabase : unknownSecret;
  }
  if (Array.isArray(value)) return value.map((inner) => withoutCiphertext("", inner));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withoutCiphertext("", inner)]),
  );
}

function assume(config: StackConfigText, assumed: readonly string[]): StackConfigText {
  if (assumed.length === 0) return config;
  const key = "mcp-fleet:serverSecrets";
  const servers = JSON.parse(config.values[key] ?? "{}") as Record<string, Record<string, string>>;
  for (const one of assumed) {
    const [server, name, ...rest] = one.split(".");
    if (!server || !name || rest.length > 0) {
      throw new UserError(
        `[--assume-secret] "${one}" is no <server>.<KEY>.`,
        "Write it like github.GITHUB_PERSONAL_ACCESS_TOKEN.",
      );
    }
    servers[server] = { [name]: unknownSecret, ...servers[server] };
  }
  return {
    values: { ...config.values, [key]: JSON.stringify(servers) },
    secretKeys: [...config.secretKeys, key],
  };
}
