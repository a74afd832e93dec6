import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

import type * as k8s from "@kubernetes/client-node";

import { sendJson, type StubApi, stubApi } from "./api-server";

/** What a namespace holds, by the plural of its kinds, and what its containers have printed, by pod and container. */
export interface StubObjects {
  readonly lists: Readonly<Record<string, readonly k8s.KubernetesObject[]>>;
  readonly logs?: Readonly<Record<string, string>>;
}

/** What was written to it. */
export interface StubWrites {
  readonly api: StubApi;
  /** Method and path, without the namespace, with the body. */
  readonly writes: string[];
}

/** An API server with one namespace whose objects do not change: reads, lists with their selectors, logs; writes are kept. */
export async function stubNamespace({ lists, logs = {} }: StubObjects): Promise<StubWrites> {
  const writes: string[] = [];
  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> => {
    const [, plural = "", name, sub] =
      /\/namespaces\/[^/]+\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(url.pathname) ??
      /\/(?:v1|v2)\/(\w+)$/.exec(url.pathname) ??
      [];
    const items = lists[plural] ?? [];
    const one = items.find(({ metadata }) => metadata?.name === name);
    if (name !== undefined && one === undefined)
      return sendJson(response, 404, { message: `${plural} "${name}" not found` });
    if (request.method !== "GET") {
      const body = JSON.stringify(await json(request));
      writes.push(
        `${request.method} ${plural}/${name}${sub === undefined ? "" : `/${sub}`} ${body}`,
      );
      return sendJson(response, 200, one ?? {});
    }
    if (sub === "log") {
      const said = logs[`${name}/${url.searchParams.get("container")}`];
      if (said === undefined) return sendJson(response, 400, { message: "waiting to start" });
      return void response.writeHead(200, { "content-type": "text/plain" }).end(said);
    }
    if (one !== undefined) return sendJson(response, 200, one);
    // Items of a list have no kind, as from a real one.
    const found = items
      .filter((item) => selected(item, url.searchParams))
      .map(({ kind: _kind, apiVersion: _version, ...rest }) => rest);
    return sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: found });
  };
  const api = await stubApi((request, response, url) => void answer(request, response, url));
  return { api, writes };
}

/** Only what is used here: equal labels, and a name. */
function selected({ metadata }: k8s.KubernetesObject, query: URLSearchParams): boolean {
  const labels = (query.get("labelSelector") ?? "").split(",").filter((part) => part !== "");
  const byName = /metadata\.name=([^,]+)/.exec(query.get("fieldSelector") ?? "")?.[1];
  return (
    labels.every((part) => {
      const [key = "", value] = part.split("=");
      return metadata?.labels?.[key] === value;
    }) &&
    (byName === undefined || metadata?.name === byName)
  );
}
