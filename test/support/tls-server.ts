/**
 * An MCP server that serves nothing but TLS, with the certificate under /tls, and wants one of two tokens with every request:
 * a few lines for `node -e`, so that any image with Node.js is its image.
 */
export const tlsServerScript = `
const { readFileSync } = require("node:fs");
const { createServer } = require("node:https");
const tls = { key: readFileSync("/tls/tls.key"), cert: readFileSync("/tls/tls.crt") };
const say = (response, status, body) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const serverInfo = { name: "tls-tools", version: "1.0.0" };
const results = {
  initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo },
  "tools/list": { tools: [{ name: "lookup", inputSchema: { type: "object" } }] },
};
createServer(tls, (request, response) => {
  if (request.url === "/healthz") return response.end("ok");
  if (!/^Bearer lab-(one|two)-token$/.test(request.headers.authorization ?? "")) {
    response.setHeader("www-authenticate", "Bearer");
    return say(response, 401, {});
  }
  if (request.method !== "POST") return response.writeHead(405).end();
  let text = "";
  request.on("data", (chunk) => (text += chunk)).on("end", () => {
    const { id, method } = JSON.parse(text);
    if (id === undefined) return response.writeHead(202).end();
    const result = results[method];
    if (result !== undefined) return say(response, 200, { jsonrpc: "2.0", id, result });
    say(response, 200, { jsonrpc: "2.0", id, error: { code: -32601, message: "unknown" } });
  });
}).listen(8443);
process.on("SIGTERM", () => process.exit(0));
`;
