import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse, stringify } from "yaml";

import { structured } from "../runner/project-config";
import type { RunnerConfig } from "../runner/types";

type Yaml = Record<string, unknown>;

/** A value the CLI has to encrypt: the key's path as `pulumi config set --path` wants it, and the value. */
export interface SecretSetting {
  readonly key: string;
  readonly path: boolean;
  readonly value: string;
}

/**
 * Makes a project directory for the CLI whose program is the one in `projectDir`, so that stack files are written
 * here and not beside the program.
 */
export function writeProject(directory: string, projectDir: string): void {
  const project = parse(readFileSync(join(projectDir, "Pulumi.yaml"), "utf8")) as Yaml;
  const main = typeof project.main === "string" ? project.main : ".";
  delete project.backend;
  delete project.stackConfigDir;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const own = { ...project, main: resolve(projectDir, main) };
  writeFileSync(join(directory, "Pulumi.yaml"), stringify(own), { mode: 0o600 });
}

/**
 * Writes the plain values to a stack config file; objects and lists are written as such, not as text. What the CLI
 * keeps there beside the config, the salt of its encryption, stays.
 */
export function writePlainConfig(file: string, config: RunnerConfig): void {
  const before = existsSync(file) ? (parse(readFileSync(file, "utf8")) as Yaml | null) : null;
  const plain = Object.entries(config).filter(([, item]) => item.secret !== true);
  const values = Object.fromEntries(plain.map(([key, item]) => [key, structured(item.value)]));
  writeFileSync(file, stringify({ ...before, config: values }), { mode: 0o600 });
}

/**
 * The secret values, one for each leaf: a secret object has to be an object of secrets, or the CLI takes it for text
 * and refuses it where the project's schema says object. Nothing is set for an empty object.
 */
export function secretSettings(config: RunnerConfig): SecretSetting[] {
  return Object.entries(config)
    .filter(([, item]) => item.secret === true)
    .flatMap(([key, item]) => {
      const value = structured(item.value);
      return typeof value === "object" && value !== null
        ? leaves(key, value)
        : [{ key, path: false, value: item.value }];
    });
}

function leaves(path: string, value: object): SecretSetting[] {
  return Object.entries(value).flatMap(([name, item]: [string, unknown]) => {
    const part = Array.isArray(value) ? `[${name}]` : `[${JSON.stringify(name)}]`;
    const key = `${path}${part}`;
    if (typeof item === "object" && item !== null) return leaves(key, item);
    const text = typeof item === "string" ? item : JSON.stringify(item);
    return [{ key, path: true, value: text }];
  });
}
