import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";

import { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";

import { isObject, type Json, type JsonObject, objectAt, stringAt } from "../wire";
import { ApiError, apiError, Unreachable } from "./errors";
import { Looks } from "./looks";

export interface Call {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly contentType?: string;
}

interface Discovered {
  readonly plural: string;
  readonly namespaced: boolean;
}

const requestTimeoutSeconds = 15;
/** Requests at a time. More of them wait here, and not in the API server until it gives up. */
const connections = 32;
const retries = 4;
/** A new CustomResourceDefinition is served a moment after it is made. */
const discoverySeconds = 10;

/** The few calls of the Kubernetes API that applying needs; answers are the server's own JSON. */
export class KubeClient {
  readonly looks = new Looks(this);
  private readonly agent: HttpAgent;
  private readonly discovered = new Map<string, Promise<Discovered | undefined>>();
  private options: { at: number; value: Promise<RequestOptions> } | undefined;

  private constructor(
    private readonly config: KubeConfig,
    readonly namespace: string,
    private readonly patient: boolean,
  ) {
    const plain = config.getCurrentCluster()?.server.startsWith("http:") === true;
    const Agent = plain ? HttpAgent : HttpsAgent;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /**
   * @param kubeconfig path of a kubeconfig file, or its content
   * @param patient whether an API server that does not answer is tried again for a few seconds
   * @throws UserError when it cannot be read or has no such context
   */
  static from(
    kubeconfig: string,
    options: { context?: string; namespace?: string; patient: boolean },
  ): KubeClient {
    const config = new KubeConfig();
    try {
      if (/[\n{]/.test(kubeconfig)) config.loadFromString(kubeconfig);
      else config.loadFromFile(kubeconfig);
    } catch {
      const named = /[\n{]/.test(kubeconfig) ? "given in the config" : kubeconfig;
      throw new UserError(
        `The kubeconfig ${named} cannot be read.`,
        "Give an existing kubeconfig file.",
      );
    }
    if (options.context !== undefined) config.setCurrentContext(options.context);
    const context = config.getContextObject(config.getCurrentContext());
    if (config.getCurrentCluster() === null || context === null) {
      throw new UserError(
        `The kubeconfig has no context "${config.getCurrentContext()}".`,
        "Set kubernetes:context to one it has.",
      );
    }
    return new KubeClient(
      config,
      options.namespace ?? context.namespace ?? "default",
      options.patient,
    );
  }

  /** @throws ApiError, or {@link Unreachable} */
  async call(method: string, path: string, call: Call = {}): Promise<JsonObject> {
    const text = await this.callText(method, path, call);
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : {};
  }

  async callText(method: string, path: string, call: Call = {}): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt >= (this.patient ? retries : 0);
      try {
        return await this.once(method, path, call);
      } catch (error) {
        const again =
          error instanceof ApiError ? [429, 500, 503, 504].includes(error.status) : true;
        if (again && !last) {
          await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** attempt));
          continue;
        }
        if (error instanceof ApiError) throw error;
        const server = this.config.getCurrentCluster()?.server ?? "the cluster";
        throw new Unreachable(
          `The Kubernetes API at ${server} does not answer (${(error as Error).message}).`,
          "Start the cluster, or correct kubernetes:kubeconfig and kubernetes:context.",
        );
      }
    }
  }

  /** The object, or undefined when it (or its kind) does not exist. */
  async get(apiVersion: string, kind: string, namespace: string | undefined, name: string) {
    try {
      return await this.call("GET", await this.path(apiVersion, kind, namespace, name));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** All objects of a kind, in a namespace where the kind has one; none where the kind does not exist. */
  async list(
    apiVersion: string,
    kind: string,
    namespace: string | undefined,
  ): Promise<readonly JsonObject[]> {
    try {
      const { items } = await this.call("GET", await this.path(apiVersion, kind, namespace));
      // The server leaves both out of a list's items.
      const whole = (item: JsonObject): JsonObject => ({ apiVersion, kind, ...item });
      return Array.isArray(items) ? items.filter(isObject).map(whole) : [];
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  async isNamespaced(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.discover(apiVersion, kind)).namespaced;
  }

  /** @throws ApiError 404 when the cluster does not serve the kind */
  async path(
    apiVersion: string,
    kind: string,
    namespace: string | undefined,
    name?: string,
  ): Promise<string> {
    const { plural, namespaced } = await this.discover(apiVersion, kind);
    const scope = namespaced ? `/namespaces/${namespace ?? this.namespace}` : "";
    return `${root(apiVersion)}${scope}/${plural}${name === undefined ? "" : `/${name}`}`;
  }

  private async discover(apiVersion: string, kind: string): Promise<Discovered> {
    const key = `${apiVersion} ${kind}`;
    const deadline = Date.now() + (this.patient ? discoverySeconds * 1000 : 0);
    for (;;) {
      const asked = this.discovered.get(key) ?? this.ask(apiVersion, kind);
      this.discovered.set(key, asked);
      const found = await asked.catch((error: unknown) => {
        this.discovered.delete(key);
        throw error;
      });
      if (found !== undefined) return found;
      this.discovered.delete(key);
      if (Date.now() >= deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new ApiError(404, "NotFound", `the cluster serves no ${kind} of ${apiVersion}`);
  }

  private async ask(apiVersion: string, kind: string): Promise<Discovered | undefined> {
    try {
      const { resources } = await this.call("GET", root(apiVersion));
      const found = (Array.isArray(resources) ? resources : []).find(
        (item) => stringAt(item, "kind") === kind && !stringAt(item, "name")?.includes("/"),
      );
      const plural = stringAt(found, "name");
      if (plural === undefined) return undefined;
      return { plural, namespaced: objectAt(found).namespaced === true };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  private async once(method: string, path: string, call: Call): Promise<string> {
    const server = new URL(this.config.getCurrentCluster()?.server ?? "");
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const credentials = await this.credentials();
    const query = new URLSearchParams(call.query).toString();
    const send = server.protocol === "http:" ? httpRequest : httpsRequest;
    return await new Promise((resolve, reject) => {
      const request = send(
        {
          ...credentials,
          method,
          host: server.hostname,
          port: server.port === "" ? undefined : server.port,
          path: `${server.pathname.replace(/\/$/, "")}${path}${query === "" ? "" : `?${query}`}`,
          headers: {
            ...credentials.headers,
            Accept: "application/json",
            ...(body === undefined
              ? {}
              : {
                  "Content-Type": call.contentType ?? "application/json",
                  "Content-Length": Buffer.byteLength(body),
                }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(text);
            else reject(apiError(status, text));
          });
        },
      );
      const seconds = this.patient ? requestTimeoutSeconds : 3;
      request.setTimeout(seconds * 1000, () => request.destroy(new Error("no answer in time")));
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Made anew every minute, because a token may expire. */
  private credentials(): Promise<RequestOptions> {
    if (this.options === undefined || Date.now() - this.options.at > 60_000) {
      const value = (async () => {
        const options: RequestOptions = {};
        await this.config.applyToHTTPSOptions(options);
        const proxied = this.config.getCurrentCluster()?.proxyUrl !== undefined;
        return proxied ? options : { ...options, agent: this.agent };
      })();
      this.options = { at: Date.now(), value };
    }
    return this.options.value;
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
