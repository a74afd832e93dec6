import { everybody, type ProbeCase, pythonClients, typescriptClients } from "./case";
import type { Stub } from "./stub";

const ts = typescriptClients;

/** Writes an event stream of this text, in which `$` stands for the answer. */
const stream = (text: string, headers: object = {}): Stub => ({
  write: ({ response }, message) => {
    response.writeHead(200, { "content-type": "text/event-stream", ...headers });
    response.end(text.replaceAll("$", () => JSON.stringify(message)));
  },
});

const half = (text: string): [string, string] => {
  const at = text.indexOf(",") + 1;
  return [text.slice(0, at), text.slice(at)];
};
const halves: Stub = {
  write: ({ response }, message) => {
    const [first, second] = half(JSON.stringify(message));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${first}\ndata: ${second}\n\n`);
  },
};
/** A stream that ends after its first event; the GET that resumes it gets the answer. */
const resumed = (): Stub => {
  const waiting = new Map<string, object>();
  return {
    write: ({ response, asked }, message) => {
      const id = `${asked.method}-${String(asked.id)}`;
      waiting.set(id, message);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`id: ${id}\nretry: 10\ndata:\n\n`);
    },
    get: ({ headers }, response) => {
      const message = waiting.get(String(headers["last-event-id"]));
      if (message === undefined) return void response.writeHead(405).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`id: end\ndata: ${JSON.stringify(message)}\n\n`);
    },
  };
};

/** Event streams. */
export const streams: readonly ProbeCase[] = [
  { what: "an event stream", stub: stream("data: $\n\n") },
  { what: "an event of the kind `message`", stub: stream("event: message\ndata: $\n\n") },
  {
    what: "an event of another kind",
    stub: stream("event: answer\ndata: $\n\n"),
    refusedBy: everybody,
    says: /without an answer/,
  },
  {
    what: "a priming event with an id and no data",
    stub: stream("id: 1\ndata:\n\nid: 2\ndata: $\n\n"),
  },
  {
    what: "a priming event with `retry`",
    stub: stream("id: 1\nretry: 3000\ndata: \n\ndata: $\n\n"),
  },
  { what: "lines that end with CRLF", stub: stream("event: message\r\ndata: $\r\n\r\n") },
  {
    what: "lines that end with CR",
    stub: stream("event: message\rdata: $\r\r"),
    refusedBy: ts,
    says: /without an answer/,
  },
  { what: "comments", stub: stream(": ping\n\n: ping\ndata: $\n\n") },
  { what: "data over several lines", stub: halves },
  { what: "no space after the colon", stub: stream("data:$\n\n") },
  { what: "an unknown field", stub: stream("foo: bar\ndata: $\n\n") },
  {
    what: "a stream that starts with a byte order mark",
    stub: stream("\uFEFFdata: $\n\n"),
    refusedBy: pythonClients,
    says: /without an answer/,
  },
  {
    what: "a notification and a request before the answer",
    stub: stream(
      'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\ndata: {"jsonrpc":"2.0","id":9,"method":"ping"}\n\ndata: $\n\n',
    ),
  },
  {
    what: "an event that is no JSON before the answer",
    stub: stream("data: hello\n\ndata: $\n\n"),
    refusedBy: ["mcp 2"],
    says: /holds a text that is no JSON/,
  },
  {
    what: "an event of JSON that is no JSON-RPC before the answer",
    stub: stream("data: {}\n\ndata: $\n\n"),
    refusedBy: ["mcp 2"],
    says: /holds JSON that is no JSON-RPC/,
  },
  {
    what: "an answer to another request before the answer",
    stub: stream('data: {"jsonrpc":"2.0","id":77,"result":{}}\n\ndata: $\n\n'),
    refusedBy: pythonClients,
    says: /id is not our request's/,
  },
  {
    what: "an event with an array of messages",
    stub: stream("data: [$]\n\n"),
    refusedBy: everybody,
    says: /a batch/,
  },
  {
    what: "no blank line after the last event",
    stub: stream("data: $\n"),
    refusedBy: everybody,
    says: /without an answer/,
  },
  { what: "a stream that ends after a priming event, and is taken up again", stub: resumed() },
  { what: "an empty stream", stub: stream(""), refusedBy: everybody, says: /without an answer/ },
  {
    what: "the content type of a stream with a charset",
    stub: stream("data: $\n\n", { "content-type": "text/event-stream; charset=utf-8" }),
  },
];
