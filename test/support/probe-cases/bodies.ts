import { everybody, type ProbeCase, pythonClients, typescriptClients } from "./case";
import { type Request, type Stub, tool, writeJson } from "./stub";

const ts = typescriptClients;

const body = (change: (text: string) => string, headers: object = {}, status = 200): Stub => ({
  write: ({ response }, message) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(change(JSON.stringify(message)));
  },
});
const envelope = (change: (message: object, request: Request) => unknown): Stub => ({
  write: (request, message) => writeJson(request, change(message, request)),
});
const withTool = (changes: object): Stub => ({
  tools: () => ({ tools: [{ ...tool, ...changes }] }),
});

/** Notifications, bodies and JSON-RPC. */
export const bodies: readonly ProbeCase[] = [
  {
    what: "a notification answered with 200 and no body",
    stub: { notified: (response) => void response.writeHead(200).end() },
  },
  {
    what: "a notification answered with 200 and JSON",
    stub: {
      notified: (response) =>
        void response.writeHead(200, { "content-type": "application/json" }).end("{}"),
    },
  },
  {
    what: "a notification answered with 204",
    stub: { notified: (response) => void response.writeHead(204).end() },
  },
  {
    what: "a notification answered with 400",
    stub: { notified: (response) => void response.writeHead(400).end("no") },
    refusedBy: [...ts, "mcp 1"],
    says: /HTTP 400 to notifications\/initialized/,
  },
  {
    what: "a notification answered with 500",
    stub: { notified: (response) => void response.writeHead(500).end("no") },
    refusedBy: [...ts, "mcp 1"],
    says: /HTTP 500 to notifications\/initialized/,
  },
  {
    what: "a redirect to another path of the same server",
    stub: {
      write: (request, message) => {
        const { path, response } = request;
        if (path.endsWith("/mcp"))
          return void response.writeHead(307, { location: `${path}/` }).end();
        return writeJson(request, message);
      },
    },
    stricter: true,
    says: /redirects \/\d+\/mcp to \/\d+\/mcp\/ \(HTTP 307\)/,
  },
  { what: "HTTP 201", stub: body((text) => text, {}, 201) },
  {
    what: "HTTP 202 with the answer as its body",
    stub: body((text) => text, {}, 202),
    refusedBy: everybody,
    says: /HTTP 202/,
  },
  {
    what: "a content type in capitals, with a charset",
    stub: body((text) => text, { "content-type": "Application/JSON; charset=UTF-8" }),
  },
  {
    what: "content type `text/plain`",
    stub: body((text) => text, { "content-type": "text/plain" }),
    refusedBy: everybody,
    says: /content type text\/plain/,
  },
  {
    what: "content type `application/jsonrequest`",
    stub: body((text) => text, { "content-type": "application/jsonrequest" }),
    refusedBy: ts,
    says: /content type application\/jsonrequest/,
  },
  {
    what: "no content type",
    stub: {
      write: ({ response }, message) => {
        response.writeHead(200);
        response.end(JSON.stringify(message));
      },
    },
    refusedBy: everybody,
    says: /no content type/,
  },
  {
    what: "JSON after a byte order mark",
    stub: body((text) => `\uFEFF${text}`),
    refusedBy: pythonClients,
    says: /a text that is no JSON/,
  },
  {
    what: "JSON with a byte that is no UTF-8",
    stub: {
      write: ({ response }, message) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          Buffer.from(
            JSON.stringify({ ...message, jsonrpc: "2.0" }).replace("earches", "earch\u00e9s"),
            "latin1",
          ),
        );
      },
    },
    refusedBy: pythonClients,
    says: /no UTF-8/,
  },
  {
    what: "half of a surrogate pair in a text",
    stub: withTool({ description: "cut \uD83D" }),
    refusedBy: pythonClients,
    says: /surrogate/,
  },
  {
    what: "an answer in two parts, cut within a character",
    stub: {
      write: ({ response }, message) => {
        const bytes = Buffer.from(JSON.stringify(message).replace("earches", "earch\u00e9s"));
        const at = Math.max(bytes.indexOf(0xc3), 0) + 1;
        response.writeHead(200, { "content-type": "application/json" });
        response.write(bytes.subarray(0, at));
        setTimeout(() => response.end(bytes.subarray(at)), 20);
      },
    },
  },
  {
    what: "a JSON-RPC error",
    stub: envelope((_message, { asked }) => ({
      jsonrpc: "2.0",
      id: asked.id,
      error: { code: -32603, message: "down", data: { cause: "no backend" } },
    })),
    refusedBy: everybody,
    says: /the error -32603 "down \(data: \{"cause":"no backend"\}\)"/,
  },
  { what: "JSON with white space around it", stub: body((text) => `\n ${text}\n`) },
  {
    what: "the answer in an array",
    stub: envelope((message) => [message]),
    refusedBy: pythonClients,
    says: /a batch/,
  },
  {
    what: "the id as a text",
    stub: envelope((message, { asked }) => ({ ...message, id: String(asked.id) })),
  },
  {
    what: "another id",
    stub: envelope((message) => ({ ...message, id: 77 })),
    refusedBy: everybody,
    says: /id is not our request's/,
  },
  {
    what: "no `jsonrpc`",
    stub: envelope((message) => ({ ...message, jsonrpc: undefined })),
    refusedBy: everybody,
    says: /no JSON-RPC message/,
  },
  {
    what: "`jsonrpc` 1.0",
    stub: envelope((message) => ({ ...message, jsonrpc: "1.0" })),
    refusedBy: everybody,
    says: /jsonrpc is not "2\.0"/,
  },
  {
    what: "an error beside the result",
    stub: envelope((message) => ({ ...message, error: { code: -1, message: "x" } })),
    refusedBy: everybody,
    says: /a result and an error in one answer/,
  },
  {
    what: "null for `error` beside the result",
    stub: envelope((message) => ({ ...message, error: null })),
    refusedBy: ts,
    says: /a result and an error in one answer/,
  },
  {
    what: "an unknown key beside the result",
    stub: envelope((message) => ({ ...message, took: 5 })),
    refusedBy: ts,
    says: /unknown key "took"/,
  },
  {
    what: "an array as the result",
    stub: envelope((message) => ({ ...message, result: [] })),
    refusedBy: everybody,
    says: /not an object/,
  },
  { what: "an empty `Mcp-Session-Id`", stub: body((text) => text, { "mcp-session-id": "" }) },
];
