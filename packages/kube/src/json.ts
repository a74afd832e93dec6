import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";

import { timeLimit } from "@mcp-fleet/errors";

import { type Kube, requestSeconds } from "./connect";

/** Values of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/**
 * GET on the Kubernetes API whose answer is taken as it is written: the client's own lists turn every field of every
 * object into its class, which for thousands of objects takes longer than the API server. So times are text here.
 * @throws Error as the client's own requests do; explain it with {@link asking}
 */
export async function getJson<T>(kube: Kube, path: string, query: Query = {}): Promise<T> {
  const url = urlOf(kube, path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return (await send<T>(kube, url)).answer;
}

/** What every object has beside its content, which the API server keeps to itself. Times are text. */
export interface ObjectMetadata {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
}

/** GET of one object's metadata alone. @throws Error as {@link getJson} does */
export async function getMetadata(kube: Kube, path: string): Promise<ObjectMetadata> {
  const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const { answer } = await send<{ metadata?: ObjectMetadata }>(kube, urlOf(kube, path), { accept });
  return answer.metadata ?? {};
}

/** POST of one object, for what the client has no method with our limits. @throws Error as {@link getJson} does */
export async function postJson<T>(kube: Kube, path: string, body: object): Promise<T> {
  return (await send<T>(kube, urlOf(kube, path), { body })).answer;
}

/** The version and the clock of the API server. */
export interface ServerAbout {
  /** Such as `v1.36.1`. */
  readonly version: string;
  /** Milliseconds since the epoch, to the second. Not there where the server does not say. */
  readonly clock?: number;
}

/** @throws Error as {@link getJson} does */
export async function serverAbout(kube: Kube): Promise<ServerAbout> {
  const { answer, date } = await send<{ gitVersion?: string }>(kube, urlOf(kube, "/version"));
  const clock = Date.parse(date);
  return { version: answer.gitVersion ?? "", ...(Number.isNaN(clock) ? {} : { clock }) };
}

function urlOf(kube: Kube, path: string): URL {
  return new URL(kube.server.replace(/\/$/, "") + path);
}

async function send<T>(
  kube: Kube,
  url: URL,
  { body, accept = "application/json" }: { body?: object; accept?: string } = {},
): Promise<{ readonly answer: T; readonly date: string }> {
  const options: RequestOptions = {};
  await kube.config.applyToHTTPSOptions(options);
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const headers = { ...options.headers, ...content, accept };
  const signal = timeLimit(requestSeconds);
  const method = body === undefined ? "GET" : "POST";
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { ...options, method, headers, signal }, (response) => {
      const { statusCode: code = 0 } = response;
      text(response)
        .then((text) => {
          if (code >= 300) throw Object.assign(new Error(`HTTP ${code}`), { code, body: text });
          resolve({ answer: JSON.parse(text) as T, date: response.headers.date ?? "" });
        })
        .catch(reject);
    })
      .on("error", reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}
