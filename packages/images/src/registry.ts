import { bytesWithin, parseBoundedJson, textWithin } from "@mcp-fleet/errors";

import type { RegistryLogin } from "./login";
import type { ImageReference } from "./reference";

/** A registry's answer about an image. `unreachable`: there was no answer, so nothing is known. */
export interface ImageAnswer {
  readonly state: "there" | RegistryError["state"];
  readonly why: string;
}

/** A registry that does not return what was requested. */
export class RegistryError extends Error {
  constructor(
    readonly state: "missing" | "denied" | "unreachable",
    readonly why: string,
  ) {
    super(why);
    this.name = "RegistryError";
  }
}

/** Time limit of one answer, in milliseconds. */
const answerMs = 10_000;

/** Media types of a tag or digest: an index or a platform's manifest. */
export const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Whether a registry is on this machine; engines contact such a one without TLS. */
const isLocal = (registry: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(registry);

/** A repository of a registry, with one login for all requests. */
export class Repository {
  private authorization: string | undefined;
  private readonly scheme: "http" | "https";
  private readonly root: string;

  /**
   * @param login of a pull secret, or of this machine
   * @param deadline of all requests together, in milliseconds since the epoch
   */
  constructor(
    place: Omit<ImageReference, "reference">,
    private readonly login?: RegistryLogin,
    private readonly deadline = Infinity,
  ) {
    this.scheme = isLocal(place.registry) ? "http" : "https";
    this.root = `${this.scheme}://${place.registry}/v2/${place.repository}/`;
  }

  /**
   * Sends a request below the repository, or to the next page of a list.
   * @throws RegistryError when it refuses the login or does not answer
   */
  async ask(method: "GET" | "HEAD", path: string, accept?: string): Promise<Response> {
    const url = new URL(path, this.root);
    // Only the registry itself gets the login, not a host that it redirects to.
    if (url.origin !== new URL(this.root).origin)
      throw new RegistryError("unreachable", "it leads to another host");
    try {
      let response = await this.send(method, url, accept);
      if (response.status === 401) {
        await response.body?.cancel();
        const challenge = response.headers.get("www-authenticate") ?? "";
        this.authorization = await this.answerChallenge(challenge);
        if (this.authorization !== undefined) response = await this.send(method, url, accept);
      }
      if (response.status === 401 || response.status === 403)
        throw new RegistryError(
          "denied",
          this.login === undefined ? "it wants a login" : "it refuses the login",
        );
      return response;
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      throw new RegistryError("unreachable", reasonOf(error));
    }
  }

  /**
   * The content at a path below the repository. Undefined: there is none.
   * @param most size limit in bytes
   * @throws RegistryError, JsonRefused for more bytes
   */
  async read(path: string, most: number, accept?: string): Promise<Buffer | undefined> {
    const response = await this.ask("GET", path, accept);
    return response.status === 404 ? undefined : bodyOf(response, most);
  }

  private send(method: string, url: URL, accept: string | undefined): Promise<Response> {
    const { authorization } = this;
    return fetch(url, {
      method,
      headers: {
        ...(accept === undefined ? {} : { accept }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: this.limit(),
    });
  }

  private limit(): AbortSignal {
    const left = Math.max(1, this.deadline - Date.now());
    return AbortSignal.timeout(Math.min(answerMs, left));
  }

  /** The header that answers a challenge. A login is never sent without TLS unless the registry itself has none. */
  private async answerChallenge(challenge: string): Promise<string | undefined> {
    const { login } = this;
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
    if (realm.protocol !== `${this.scheme}:` && realm.protocol !== "https:") return undefined;
    for (const name of ["service", "scope"]) {
      const value = values[name];
      if (value !== undefined) realm.searchParams.set(name, value);
    }
    const response = await fetch(realm, {
      headers: basic === undefined ? {} : { authorization: basic },
      signal: this.limit(),
    });
    if (!response.ok) return undefined;
    const text = await textWithin(response.body, 65_536);
    const answer = parseBoundedJson(text, { characters: 65_536, depth: 8, values: 1000 });
    const { token, access_token } = (answer ?? {}) as { token?: unknown; access_token?: unknown };
    const found = token ?? access_token;
    return typeof found === "string" ? `Bearer ${found}` : undefined;
  }
}

/**
 * The body of a successful answer.
 * @throws RegistryError for another status and for an incomplete body, JsonRefused for more bytes than `most`
 */
export async function bodyOf(response: Response, most: number): Promise<Buffer> {
  if (!response.ok) {
    await response.body?.cancel();
    throw new RegistryError("unreachable", `it answers HTTP ${response.status}`);
  }
  try {
    return await bytesWithin(response.body, most);
  } catch (error) {
    if (error instanceof Error && error.name === "JsonRefused") throw error;
    throw new RegistryError("unreachable", reasonOf(error));
  }
}

/**
 * Asks a registry for an image's manifest by HEAD, as a node does before it pulls. Nothing is downloaded. Never
 * throws.
 * @param login of a pull secret
 */
export async function askRegistry(
  { reference, ...place }: ImageReference,
  login?: RegistryLogin,
): Promise<ImageAnswer> {
  try {
    const repository = new Repository(place, login);
    const { status } = await repository.ask("HEAD", `manifests/${reference}`, manifestTypes);
    if (status === 200) return { state: "there", why: "" };
    if (status === 404) return { state: "missing", why: "it has no such repository or tag" };
    return { state: "unreachable", why: `it answers HTTP ${status}` };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { state: error.state, why: error.why };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "no connection";
}
