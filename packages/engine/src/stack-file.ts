import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { UserError } from "@mcp-fleet/errors";
import type { StackConfig } from "@mcp-fleet/operations";
import { type Document, parse, parseDocument } from "yaml";

import type { SecretSetting } from "./types";

/** Encrypts one value into a stack file. */
export type SetSecret = (
  file: string,
  path: readonly (string | number)[],
  value: string,
) => Promise<void>;

/** A `Pulumi.<stack>.yaml`. Comments and what is encrypted and unchanged stay as they are. */
export class StackFile {
  private constructor(readonly path: string) {}

  /** @param stack may be `organization/project/stack` */
  static of(project: string, stack: string): StackFile {
    const manifest = join(project, "Pulumi.yaml");
    const { stackConfigDir = "." } = existsSync(manifest)
      ? ((parse(readFileSync(manifest, "utf8")) as { stackConfigDir?: string } | null) ?? {})
      : {};
    return new StackFile(
      join(project, stackConfigDir, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`),
    );
  }

  /**
   * Gives `use` a file with another configuration, and removes it.
   * @param known what the stack file says now, secrets in clear
   */
  async trying<T>(
    config: StackConfig,
    known: StackConfig,
    set: SetSecret,
    use: (file: string) => Promise<T>,
  ): Promise<T> {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-"));
    const file = join(directory, "Pulumi.try.yaml");
    try {
      await this.write(file, config, known, set);
      return await use(file);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** The new content is made elsewhere first: a value that cannot be encrypted leaves the file as it was. */
  async replace(config: StackConfig, known: StackConfig, set: SetSecret): Promise<void> {
    const content = await this.trying(config, known, set, (file) =>
      Promise.resolve(readFileSync(file, "utf8")),
    );
    writeFileSync(this.path, content);
  }

  /**
   * A secret object that was set as a whole is one ciphertext: setting a part of it replaces all of it, silently.
   * @throws UserError
   */
  refuseWhole(settings: readonly SecretSetting[]): void {
    const config = this.document().toJS() as { config?: Record<string, unknown> } | null;
    for (const key of new Set(settings.map(({ path }) => path[0]))) {
      if (!isCiphertext(config?.config?.[key])) continue;
      throw new UserError(
        `${key} was set as a whole, so setting a part of it would lose the rest.`,
        `Set it again by parts: pulumi config rm ${key}, then pulumi config set --secret --path for each value.`,
      );
    }
  }

  private async write(
    file: string,
    config: StackConfig,
    known: StackConfig,
    set: SetSecret,
  ): Promise<void> {
    const document = this.document();
    const stored = ((document.toJS() as { config?: object } | null)?.config ?? {}) as Record<
      string,
      unknown
    >;
    for (const key of Object.keys(stored)) {
      if (!(key in config)) document.deleteIn(["config", key]);
    }
    const secrets: SecretLeaf[] = [];
    for (const [key, { value, secret }] of Object.entries(config)) {
      const structured = structuredIn(value);
      if (!secret) {
        if (!isDeepStrictEqual(stored[key], structured))
          document.setIn(["config", key], document.createNode(structured));
        continue;
      }
      const now = known[key];
      const kept = now?.secret === true && isDeepStrictEqual(structuredIn(now.value), structured);
      if (kept && (typeof structured !== "object" || !isCiphertext(stored[key]))) continue;
      document.deleteIn(["config", key]);
      secrets.push(...secretLeaves(key, structured));
    }
    writeFileSync(file, document.toString(), { mode: 0o600 });
    for (const [path, value] of secrets) await set(file, path, value);
  }

  private document(): Document {
    return parseDocument(existsSync(this.path) ? readFileSync(this.path, "utf8") : "config: {}\n");
  }
}

type SecretLeaf = [path: (string | number)[], value: string];

/** One for each leaf: the CLI takes a secret object that is set whole for text. */
function secretLeaves(key: string, parsed: unknown): SecretLeaf[] {
  if (typeof parsed !== "object" || parsed === null) {
    return [[[key], typeof parsed === "string" ? parsed : JSON.stringify(parsed)]];
  }
  const walk = (path: (string | number)[], inner: unknown): SecretLeaf[] =>
    typeof inner === "object" && inner !== null
      ? Object.entries(inner).flatMap(([name, one]) =>
          walk([...path, Array.isArray(inner) ? Number(name) : name], one),
        )
      : [[path, typeof inner === "string" ? inner : JSON.stringify(inner)]];
  return walk([key], parsed);
}

const structuredIn = (value: unknown): unknown =>
  typeof value === "string" ? structuredOf(value) : value;

/** History gives objects as their JSON text; a stack file has them as such. */
function structuredOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isCiphertext(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === 1 &&
    "secure" in value &&
    typeof value.secure === "string"
  );
}
