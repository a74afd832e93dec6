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

interface Manifest {
  readonly name?: string;
  readonly stackConfigDir?: string;
}

/** A `Pulumi.<stack>.yaml`. Comments and unchanged ciphertexts stay as they are written. */
export class StackFile {
  private constructor(
    readonly path: string,
    /** Name of the project; the program's own keys may leave it out. */
    private readonly project: string,
  ) {}

  /**
   * @param directory of the project
   * @param stack may be `organization/project/stack`
   */
  static of(directory: string, stack: string): StackFile {
    const extension = existsSync(join(directory, "Pulumi.yaml")) ? "yaml" : "yml";
    const manifest = join(directory, `Pulumi.${extension}`);
    const { stackConfigDir = ".", name = "" } = existsSync(manifest)
      ? ((parse(readFileSync(manifest, "utf8")) as Manifest | null) ?? {})
      : {};
    const file = `Pulumi.${stack.split("/").at(-1) ?? stack}.${extension}`;
    return new StackFile(join(directory, stackConfigDir, file), name);
  }

  /**
   * Calls `use` with a temporary stack file of another configuration.
   * @param known the present configuration, secrets in clear
   */
  async withTemporary<T>(
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

  /** Builds the new content in a temporary file, so that a value that cannot be encrypted leaves this one unchanged. */
  async replace(config: StackConfig, known: StackConfig, set: SetSecret): Promise<void> {
    const content = await this.withTemporary(config, known, set, (file) =>
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
      const short = key.replace(`${this.project}:`, "");
      if (![key, short].some((name) => isCiphertext(config?.config?.[name]))) continue;
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
      const now = known[key];
      // Unchanged values stay as they are written; the project's defaults are not written.
      if (now?.secret === secret && isDeepStrictEqual(now.value, value)) continue;
      if (!secret) {
        document.setIn(["config", key], document.createNode(value));
        continue;
      }
      document.deleteIn(["config", key]);
      secrets.push(...secretLeaves(key, value));
    }
    writeFileSync(file, this.textOf(document), { mode: 0o600 });
    for (const [path, value] of secrets) await set(file, path, value);
  }

  private document(): Document {
    const text = existsSync(this.path) ? readFileSync(this.path, "utf8") : "";
    const document = parseDocument(text);
    const { config } = (document.toJS() as { config?: unknown } | null) ?? {};
    if (config === undefined || config === null) document.set("config", document.createNode({}));
    return document;
  }

  private textOf(document: Document): string {
    try {
      return document.toString();
    } catch {
      throw new UserError(
        `${this.path} has an alias to an anchor that the new configuration does not have any more.`,
        "Write the value out where the alias (*name) is, then run it again.",
      );
    }
  }
}

type SecretLeaf = [path: (string | number)[], value: string];

/** One setting a leaf: the CLI stores a secret object that is set as a whole as text. */
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

function isCiphertext(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === 1 &&
    "secure" in value &&
    typeof value.secure === "string"
  );
}
