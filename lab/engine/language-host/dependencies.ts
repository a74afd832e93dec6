import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import type { ServerWritableStream } from "@grpc/grpc-js";
import { UserError } from "@mcp-fleet/errors";
import {
  DependencyInfo,
  type InstallDependenciesRequest,
  InstallDependenciesResponse,
  type ProgramInfo,
} from "@pulumi/pulumi/proto/language_pb";

import { type Children, describeEnd } from "./children";
import { type PackageManager, type RuntimeOptions, runtimeOptions } from "./options";

type Call = ServerWritableStream<InstallDependenciesRequest, InstallDependenciesResponse>;

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const lockFiles: readonly [string, PackageManager][] = [
  ["yarn.lock", "yarn"],
  ["pnpm-lock.yaml", "pnpm"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
];

/** The package manager that a program names, else that of its lock file, else npm. */
export function packageManagerOf(options: RuntimeOptions, directory: string): PackageManager {
  const locked = lockFiles.find(([file]) => existsSync(join(directory, file)));
  return options.packagemanager ?? locked?.[1] ?? "npm";
}

/**
 * Puts the current Node.js first on PATH if necessary: package managers and the scripts of packages start `node`
 * by name.
 */
export function withOwnNode(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = dirname(process.execPath);
  const path = env.PATH ?? "";
  return path.split(delimiter).includes(own) ? env : { ...env, PATH: `${own}${delimiter}${path}` };
}

/** Implements `InstallDependencies` with the program's own package manager. */
export async function installDependencies(
  call: Call,
  children: Children,
  cancelled: AbortSignal,
): Promise<void> {
  const info = call.request.getInfo();
  const directory = info?.getProgramDirectory() ?? call.request.getDirectory();
  const options = runtimeOptions(info);
  const manager = packageManagerOf(options, directory);
  const say = (text: string): void =>
    void call.write(new InstallDependenciesResponse().setStdout(Buffer.from(text)));
  say(`Installing dependencies with ${manager}...\n`);
  const ended = await children.run(
    {
      command: manager,
      args: ["install", ...(options.production ? [productionFlag[manager]] : [])],
      cwd: directory,
      env: withOwnNode(process.env),
    },
    {
      stdout: (chunk) => void call.write(new InstallDependenciesResponse().setStdout(chunk)),
      stderr: (chunk) => void call.write(new InstallDependenciesResponse().setStderr(chunk)),
    },
    cancelled,
  );
  if (!("code" in ended) || ended.code !== 0) {
    throw new UserError(
      `\`${manager} install\` ${describeEnd(ended)} in ${directory}.`,
      "Correct what it says above.",
    );
  }
  say("Finished installing dependencies\n");
  call.end();
}

const productionFlag: Record<PackageManager, string> = {
  npm: "--omit=dev",
  yarn: "--production",
  pnpm: "--prod",
  bun: "--production",
};

/**
 * The packages in a program's package.json, in their installed versions.
 *
 * @param transitive whether to include the packages' own dependencies
 */
export function programDependencies(
  info: ProgramInfo | undefined,
  transitive: boolean,
): DependencyInfo[] {
  const directory = info?.getProgramDirectory() ?? "";
  const found = new Map<string, string>();
  const own = manifestIn(directory) ?? {};
  const waiting = namesIn({ ...own.dependencies, ...own.devDependencies }, directory);
  for (const { name, from } of waiting) {
    const installed = locate(name, from);
    if (installed === undefined || found.has(installed)) continue;
    const manifest = manifestIn(installed) ?? {};
    found.set(installed, `${name}\n${manifest.version ?? ""}`);
    if (transitive) waiting.push(...namesIn(manifest.dependencies ?? {}, installed));
  }
  return [...new Set(found.values())].sort().map((item) => {
    const [name = "", version = ""] = item.split("\n");
    return new DependencyInfo().setName(name).setVersion(version);
  });
}

const namesIn = (
  packages: Record<string, string>,
  from: string,
): { name: string; from: string }[] => Object.keys(packages).map((name) => ({ name, from }));

/** Where Node.js would find a package of that name. The package may not export its manifest. */
function locate(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (directory === dirname(directory)) return undefined;
  }
}

function manifestIn(directory: string): Manifest | undefined {
  const file = join(directory, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
}
