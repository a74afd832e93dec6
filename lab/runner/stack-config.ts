import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";

import type { RunnerConfig } from "./types";

/**
 * Reads the `config` of a `Pulumi.<stack>.yaml`. Objects and lists become their JSON text, as Pulumi does.
 *
 * @param given values that take the place of the file's; a key given here may be encrypted in the file
 * @throws UserError for a file that cannot be read, and for an encrypted value, which only the Pulumi CLI can decrypt
 */
export function loadStackConfig(file: string, given: RunnerConfig = {}): RunnerConfig {
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(
      `The stack config ${file} cannot be read: ${messageOf(error)}.`,
      "Give an existing YAML file.",
    );
  }
  const config = (content as { config?: Record<string, unknown> } | null)?.config ?? {};
  const loaded: Record<string, { value: string }> = {};
  for (const [key, value] of Object.entries(config)) {
    if (key in given || value === null || value === undefined) continue;
    if (isEncrypted(value)) {
      throw new UserError(
        `The config key ${key} in ${file} is encrypted, and only the Pulumi CLI can decrypt it.`,
        `Give its value to the run, or use the Pulumi CLI.`,
      );
    }
    loaded[key] = { value: typeof value === "string" ? value : JSON.stringify(value) };
  }
  return { ...loaded, ...given };
}

/** Whether a value is, or holds at any depth, `{ secure: <ciphertext> }`. */
function isEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "secure") return true;
  return Object.values(value).some(isEncrypted);
}
