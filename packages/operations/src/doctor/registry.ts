import { parseBoundedJson, textWithin } from "@mcp-fleet/errors";

/** A login at an image registry. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** Where an image is. */
export interface ImageReference {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
}

/** What a registry says of an image. `unreachable`: it was not asked, so nothing is known. */
export interface ImageAnswer {
  readonly state: "there" | "missing" | "denied" | "unreachable";
  readonly why: string;
}

const limitMs = 10_000;
const dockerHub = "registry-1.docker.io";

/** Takes a reference apart as container engines do. */
export function parseImage(image: string): ImageReference {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = named ? rest.join("/") : image;
  const at = path.indexOf("@");
  const tagged = /:([^/:@]+)$/.exec(at === -1 ? path : path.slice(0, at));
  const bare = (at === -1 ? path : path.slice(0, at)).replace(/:[^/:]+$/, "");
  const hub = !named || /^(index\.)?docker\.io$/.test(first);
  return {
    registry: hub ? dockerHub : first,
    repository: hub && !bare.includes("/") ? `library/${bare}` : bare,
    reference: at === -1 ? (tagged?.[1] ?? "latest") : path.slice(at + 1),
  };
}

const manifests = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Whether a registry is on this machine, which engines ask without TLS. */
const isLocal = (registry: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(registry);

/**
 * Asks a registry for an image's manifest by a HEAD, as a node would before it pulls. Nothing is fetched. Never throws.
 * @param login of a pull secret
 */
export async function askRegistry(
  { registry, repository, reference }: ImageReference,
  login?: RegistryLogin,
): Promise<ImageAnswer> {
  const scheme = isLocal(registry) ? "http" : "https";
  const url = `${scheme}://${registry}/v2/${repository}/manifests/${reference}`;
  try {
    let response = await head(url);
    if (response.status === 401) {
      const authorization = await answerChallenge(
        response.headers.get("www-authenticate") ?? "",
        scheme,
        login,
      );
      if (authorization !== undefined) response = await head(url, authorization);
    }
    const { status } = response;
    if (status === 200) return { state: "there", why: "" };
    if (status === 404) return { state: "missing", why: "it has no such repository or tag" };
    if (status === 401 || status === 403)
      return {
        state: "denied",
        why: login === undefined ? "it wants a login" : "it refuses the pull secret's login",
      };
    return { state: "unreachable", why: `it answers HTTP ${status}` };
  } catch (error) {
    return { state: "unreachable", why: reasonOf(error) };
  }
}

function head(url: string, authorization?: string): Promise<Response> {
  return fetch(url, {
    method: "HEAD",
    headers: { accept: manifests, ...(authorization === undefined ? {} : { authorization }) },
    signal: AbortSignal.timeout(limitMs),
  });
}

/** The header that answers a challenge; a login goes nowhere without TLS that the registry itself had. */
async function answerChallenge(
  challenge: string,
  scheme: string,
  login: RegistryLogin | undefined,
): Promise<string | undefined> {
  const basic =
    login === undefined
      ? undefined
      : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  if (/^basic\b/i.test(challenge)) return basic;
  if (!/^bearer\b/i.test(challenge)) return undefined;
  const values = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  if (values.realm === undefined || !URL.canParse(values.realm)) return undefined;
  const realm = new URL(values.realm);
  if (realm.protocol !== `${scheme}:` && realm.protocol !== "https:") return undefined;
  for (const name of ["service", "scope"]) {
    const value = values[name];
    if (value !== undefined) realm.searchParams.set(name, value);
  }
  const response = await fetch(realm, {
    headers: basic === undefined ? {} : { authorization: basic },
    signal: AbortSignal.timeout(limitMs),
  });
  if (!response.ok) return undefined;
  const text = await textWithin(response.body, 65_536);
  const answer = parseBoundedJson(text, { characters: 65_536, depth: 8, values: 1000 });
  const { token, access_token } = (answer ?? {}) as { token?: unknown; access_token?: unknown };
  const found = token ?? access_token;
  return typeof found === "string" ? `Bearer ${found}` : undefined;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "no connection";
}

/** The logins in a Secret of type `kubernetes.io/dockerconfigjson`, by registry. @throws JsonRefused for another text */
export function loginsIn(text: string): ReadonlyMap<string, RegistryLogin> {
  const config = parseBoundedJson(text, { characters: 1_000_000, depth: 8, values: 10_000 });
  const { auths } = (config ?? {}) as { auths?: unknown };
  const logins = new Map<string, RegistryLogin>();
  if (typeof auths !== "object" || auths === null) return logins;
  for (const [server, entry] of Object.entries(auths as Record<string, unknown>)) {
    const { username, password, auth } = (entry ?? {}) as Record<string, unknown>;
    const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const name = /^(index\.)?docker\.io$/.test(host) ? dockerHub : host;
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
