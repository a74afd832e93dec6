import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

import { JsonRefused, parseBoundedJson, readTextFile } from "@mcp-fleet/errors";

import { dockerHub, isHub } from "./reference";

/** A login at an image registry. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

const bounds = { characters: 1_000_000, depth: 8, values: 10_000 };

/**
 * The logins in a Secret of type `kubernetes.io/dockerconfigjson`, by registry.
 * @throws JsonRefused for another text
 */
export function loginsIn(text: string): ReadonlyMap<string, RegistryLogin> {
  const config = parseBoundedJson(text, bounds);
  const { auths } = (config ?? {}) as { auths?: unknown };
  const logins = new Map<string, RegistryLogin>();
  if (typeof auths !== "object" || auths === null) return logins;
  for (const [server, entry] of Object.entries(auths as Record<string, unknown>)) {
    const { username, password, auth } = (entry ?? {}) as Record<string, unknown>;
    const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const name = isHub(host) ? dockerHub : host;
    const [user, ...rest] =
      typeof auth === "string" ? Buffer.from(auth, "base64").toString("utf8").split(":") : [];
    const login =
      typeof username === "string" && typeof password === "string"
        ? { username, password }
        : { username: user ?? "", password: rest.join(":") };
    logins.set(name, login);
  }
  return logins;
}

/** Finds logins. */
export type FindLogin = (
  registry: string,
  pullSecrets: readonly string[],
) => Promise<RegistryLogin | undefined>;

/**
 * Finds the login for a registry: that of the first pull secret which has one, as a node would, else this
 * machine's own. Results are cached.
 * @param read the `.dockerconfigjson` of a pull secret; undefined where it cannot be read
 */
export function findingLogins(
  read: (pullSecret: string) => Promise<string | undefined>,
): FindLogin {
  const secrets = kept(async (name: string) => {
    try {
      return loginsIn((await read(name)) ?? "{}");
    } catch (error) {
      if (error instanceof JsonRefused) return loginsIn("{}");
      throw error;
    }
  });
  const own = kept((registry: string) => dockerLogin(registry));
  return async (registry, pullSecrets) => {
    for (const name of pullSecrets) {
      const login = (await secrets(name)).get(registry);
      if (login !== undefined) return login;
    }
    return own(registry);
  };
}

function kept<T>(find: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const found = new Map<string, Promise<T>>();
  return (key) => {
    const one = found.get(key) ?? find(key);
    found.set(key, one);
    return one;
  };
}

/**
 * This machine's own login, as `docker login` stored it: in its file, or in a credential helper that the file
 * names. Undefined where there is none, and where the file cannot be read.
 */
async function dockerLogin(
  registry: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RegistryLogin | undefined> {
  const directory = environment.DOCKER_CONFIG ?? join(homedir(), ".docker");
  try {
    const text = readTextFile(join(directory, "config.json"));
    const { credsStore, credHelpers } = parseBoundedJson(text, bounds) as {
      credsStore?: unknown;
      credHelpers?: Record<string, unknown>;
    };
    const server = isHub(registry) ? "https://index.docker.io/v1/" : registry;
    const helper = credHelpers?.[server] ?? credHelpers?.[registry] ?? credsStore;
    const kept = typeof helper === "string" ? await askHelper(helper, server) : undefined;
    return kept ?? loginsIn(text).get(registry);
  } catch {
    return undefined;
  }
}

/** Time limit of a credential helper in milliseconds: a cloud's helper requests a token. */
const helperMs = 10_000;

/** Docker's credential helper protocol. The password comes through a pipe and is in no argument. */
async function askHelper(name: string, server: string): Promise<RegistryLogin | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const said = await new Promise<string | undefined>((resolve) => {
    const child = execFile(
      `docker-credential-${name}`,
      ["get"],
      { timeout: helperMs, maxBuffer: 65_536 },
      (error, stdout) => resolve(error === null ? stdout : undefined),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(server);
  });
  if (said === undefined) return undefined;
  const { Username, Secret } = parseBoundedJson(said, bounds) as Record<string, unknown>;
  return typeof Username === "string" && typeof Secret === "string" && Secret !== ""
    ? { username: Username, password: Secret }
    : undefined;
}
