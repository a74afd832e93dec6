import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";

import { type Kube, requestSeconds } from "./connect";

/** Values of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/**
 * GET on the Kubernetes API whose answer is taken as it is written: the client's own lists turn every field of every
 * object into its class, which for thousands of objects takes longer than the API server. So times are text here.
 * @throws Error as the client's own requests do; explain it with {@link asking}
 */
export async function getJson<T>(kube: Kube, path: string, query: Query = {}): Promise<T> {
  const url = new URL(kube.server.replace(/\/$/, "") + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const options: RequestOptions = {};
  await kube.config.applyToHTTPSOptions(options);
  const headers = { ...options.headers, accept: "application/json" };
  const signal = AbortSignal.timeout(requestSeconds * 1000);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise<T>((resolve, reject) => {
    send(url, { ...options, headers, signal }, (response) => {
      const { statusCode: code = 0 } = response;
      text(response)
        .then((body) => {
          if (code >= 300) throw Object.assign(new Error(`HTTP ${code}`), { code, body });
          resolve(JSON.parse(body) as T);
        })
        .catch(reject);
    })
      .on("error", reject)
      .end();
  });
}
