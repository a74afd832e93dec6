import { UserError } from "@mcp-fleet/errors";
import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb";

const packageManagers = ["npm", "yarn", "pnpm", "bun"] as const;
export type PackageManager = (typeof packageManagers)[number];

/** `runtime.options` of a Pulumi.yaml or PulumiPolicy.yaml, as the official host reads them. */
export interface RuntimeOptions {
  /** Whether the SDK compiles TypeScript as it loads it. @default true */
  readonly typescript: boolean;
  readonly tsconfig: string | undefined;
  /** Arguments of Node.js itself. */
  readonly nodeargs: readonly string[];
  /** @default according to the lock file, else npm */
  readonly packagemanager: PackageManager | undefined;
  /**
   * Whether to install without development packages.
   * @default false
   */
  readonly production: boolean;
}

/** @throws UserError for an invalid option */
export function runtimeOptions(info: ProgramInfo | undefined): RuntimeOptions {
  const given = (info?.getOptions()?.toJavaScript() ?? {}) as Record<string, unknown>;
  const manager = read(given, "packagemanager", "string") ?? "auto";
  if (manager !== "auto" && !isPackageManager(manager)) {
    throw new UserError(
      `runtime.options.packagemanager is "${manager}", which is no package manager known here.`,
      `Set it to auto, ${packageManagers.join(", ")} in Pulumi.yaml.`,
    );
  }
  return {
    typescript: read(given, "typescript", "boolean") ?? true,
    tsconfig: read(given, "tsconfig", "string"),
    nodeargs: words(read(given, "nodeargs", "string") ?? ""),
    packagemanager: manager === "auto" ? undefined : manager,
    production: read(given, "production", "boolean") ?? false,
  };
}

/** The options as environment variables for the SDK's start scripts. */
export function optionEnvironment({ typescript, tsconfig }: RuntimeOptions): NodeJS.ProcessEnv {
  return {
    ...(typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
  };
}

function isPackageManager(name: string): name is PackageManager {
  return packageManagers.some((known) => known === name);
}

interface Kinds {
  string: string;
  boolean: boolean;
}

function read<K extends keyof Kinds>(
  given: Record<string, unknown>,
  key: string,
  kind: K,
): Kinds[K] | undefined {
  const value = given[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === kind) return value as Kinds[K];
  throw new UserError(
    `runtime.options.${key} is not a ${kind}.`,
    `Set it to a ${kind} in Pulumi.yaml, or leave it out.`,
  );
}

/** The words of a command line; quotes keep one together. */
function words(line: string): string[] {
  const found = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return found.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
