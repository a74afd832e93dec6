import { UserError } from "@mcp-fleet/errors";

export type StudioMode = "embedded" | "in-cluster";

/** The configuration of one Studio process, from its environment. Times are in seconds. */
export interface StudioConfig {
  /**
   * Which version of the application this process represents: before or after the switch. `STUDIO_MODE`, default
   * embedded.
   */
  readonly mode: StudioMode;
  /** `DATABASE_URL`. Holds a password: never printed. */
  readonly databaseUrl: string;
  /** `PORT`, default 8080; 0 takes a free one and the log line says which. */
  readonly port: number;
  /** The namespace in the URLs the switched application writes: `LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE`, default "default". */
  readonly namespace: string;
  /** `POD_NAME`, else the host's name. */
  readonly pod: string;
  /** Where embedded mode finds its bundled scripts: `STUDIO_APP_DIR`, default /app. */
  readonly appDir: string;
  /** Chroma's address when `integration_settings` has none: `CHROMA_HOST`, `CHROMA_PORT`, `CHROMA_SSL`. */
  readonly chroma: { readonly host: string; readonly port: string; readonly ssl: string };
  /** Whether readiness waits for every server or for one: `STUDIO_READY_REQUIRES`, default all. */
  readonly readyRequires: "all" | "any";
  /** After this long, servers that failed with a recorded error no longer hold readiness back. `STUDIO_READY_GRACE_SECONDS`, default 60. */
  readonly readyGraceSeconds: number;
  /** How long the start waits for the database. `STUDIO_DATABASE_WAIT_SECONDS`, default 60. */
  readonly databaseWaitSeconds: number;
  /** Limit of one connection attempt to one server. `STUDIO_CONNECT_TIMEOUT_SECONDS`, default 60. */
  readonly connectTimeoutSeconds: number;
  /** How often a connection is checked with `tools/list`; 0 never. `STUDIO_CHECK_SECONDS`, default 120. */
  readonly checkSeconds: number;
  /** How long requests are still answered after SIGTERM, while readiness fails. `STUDIO_DRAIN_SECONDS`, default 5. */
  readonly drainSeconds: number;
}

/**
 * Reads the environment.
 *
 * @throws UserError naming the variable that is missing or wrong.
 */
export function readConfig(env: NodeJS.ProcessEnv): StudioConfig {
  return {
    mode: oneOf(env, "STUDIO_MODE", ["embedded", "in-cluster"] as const, "embedded"),
    databaseUrl: databaseUrl(env),
    port: wholeNumber(env, "PORT", 8080, 65_535),
    namespace: text(env, "LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE", "default"),
    pod: text(env, "POD_NAME", text(env, "HOSTNAME", "studio")),
    appDir: text(env, "STUDIO_APP_DIR", "/app"),
    chroma: {
      host: text(env, "CHROMA_HOST", ""),
      port: text(env, "CHROMA_PORT", ""),
      ssl: text(env, "CHROMA_SSL", ""),
    },
    readyRequires: oneOf(env, "STUDIO_READY_REQUIRES", ["all", "any"] as const, "all"),
    readyGraceSeconds: wholeNumber(env, "STUDIO_READY_GRACE_SECONDS", 60),
    databaseWaitSeconds: wholeNumber(env, "STUDIO_DATABASE_WAIT_SECONDS", 60),
    connectTimeoutSeconds: wholeNumber(env, "STUDIO_CONNECT_TIMEOUT_SECONDS", 60),
    checkSeconds: wholeNumber(env, "STUDIO_CHECK_SECONDS", 120),
    drainSeconds: wholeNumber(env, "STUDIO_DRAIN_SECONDS", 5),
  };
}

function text(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const value = env[name]?.trim() ?? "";
  return value === "" ? fallback : value;
}

function databaseUrl(env: NodeJS.ProcessEnv): string {
  const value = text(env, "DATABASE_URL", "");
  if (/^postgres(ql)?:\/\//.test(value) && URL.canParse(value)) return value;
  throw new UserError(
    value === "" ? "DATABASE_URL is not set." : "DATABASE_URL is not a PostgreSQL URL.",
    "Set it to postgresql://<user>:<password>@<host>:<port>/<database>.",
  );
}

function oneOf<T extends string>(
  env: NodeJS.ProcessEnv,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  const value = text(env, name, fallback);
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new UserError(`${name} is "${value}".`, `Set it to ${choices.join(" or ")}.`);
}

function wholeNumber(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  most = 86_400,
): number {
  const value = text(env, name, String(fallback));
  if (/^\d+$/.test(value) && Number(value) <= most) return Number(value);
  throw new UserError(`${name} is "${value}".`, `Set it to a whole number from 0 to ${most}.`);
}
