import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { mergeMcpJson } from "@mcp-fleet/client-config";
import { addressesOf, pathAnnotation } from "@mcp-fleet/cluster";
import { cleanJson, cleanLine, cleanText, isClean, isUserError } from "@mcp-fleet/errors";
import { serversOf } from "@mcp-fleet/kube";
import { probe } from "@mcp-fleet/mcp-probe";
import { ConfigError, problemsOf, stackSchema } from "@mcp-fleet/schema";
import fc from "fast-check";

import { rendered } from "../../cli/output";
import { readStackFile } from "../../render/stack-file";
import { serverWorkload } from "./servers";

/** Text from outside: any character, and control characters more often. */
const nasty = fc
  .oneof(
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.constantFrom(
          ...["\u001b[31m", "\u009b2J", "\u202e", "\u2066", "\u2028", "\r", "\n", "\t", "\u0000"],
          ...["\ud800", "\ufeff", "{", "[", '"', "\\", "@evil.example", "/", "..", "- on", ": "],
        ),
        { maxLength: 12 },
      ),
    },
  )
  .map((value) => (typeof value === "string" ? value : value.join("")));
const value = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" });

/** Every kind of input from outside, with its processing and the checked property. */
const inputs: Readonly<Record<string, fc.IAsyncProperty<unknown>>> = {
  text: fc.asyncProperty(nasty, async (text) => {
    assert.ok(isClean(cleanText(text)));
    assert.ok(isClean(cleanLine(text, 10)) && !/[\n\t]/.test(cleanLine(text)));
    const json = cleanJson(JSON.stringify({ text }));
    assert.ok(isClean(json));
    assert.deepEqual(JSON.parse(json), { text: text.toString() });
    for (const format of ["json", "yaml", "table"] as const)
      assert.ok(isClean(await rendered(format, { [text]: text }, () => text)), format);
  }),
  "MCP replies": fc.asyncProperty(reply(), probeAnswers),
  "annotations and addresses": fc.asyncProperty(nasty, nasty, (annotation, host) => {
    serversFound(annotation, host);
    return Promise.resolve();
  }),
  "client configs": fc.asyncProperty(clientConfig(), (text) => {
    tell(() => mergeMcpJson(text, [{ name: "clock", url: "http://clock:8080/mcp" }]).text);
    return Promise.resolve();
  }),
  "a stack's settings": fc.asyncProperty(settings(), (raw) => {
    const parsed = stackSchema.safeParse(raw);
    if (!parsed.success)
      tell(() => {
        throw new ConfigError(problemsOf(parsed.error, stackSchema));
      });
    return Promise.resolve();
  }),
  "stack files": fc.asyncProperty(stackText(), (text) => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-fuzz-"));
    const file = join(directory, "Pulumi.x.yaml");
    try {
      writeFileSync(file, text);
      tell(() => cleanJson(JSON.stringify(readStackFile(file))));
    } finally {
      rmSync(directory, { recursive: true });
    }
    return Promise.resolve();
  }),
};

/** Runs the processing: it may reject the input in two sentences, without control characters in them. */
function tell(run: () => string): void {
  let said: string;
  try {
    said = run();
  } catch (error) {
    if (!isUserError(error)) throw error;
    said = `${error.problem}\n${error.fix}`;
    assert.ok(isClean(said), JSON.stringify(said));
  }
}

/** A tool that the official clients accept, or one that they may reject. */
function tool(): fc.Arbitrary<object> {
  const inputSchema = fc.oneof(fc.constant({ type: "object" }), value);
  return fc.record({ name: fc.oneof(nasty, value), description: nasty, inputSchema });
}

/** The server's answer to every request: its status, content type, headers and body. */
function reply(): fc.Arbitrary<readonly [number, string, string, string]> {
  const tools = fc.array(tool(), { maxLength: 4 });
  const result = fc.record({
    protocolVersion: fc.oneof(fc.constant("2025-11-25"), nasty),
    capabilities: fc.constant({ tools: {} }),
    serverInfo: fc.record({ name: fc.oneof(nasty, value), version: nasty }),
    tools: fc.oneof(tools, value),
    nextCursor: fc.oneof(fc.constant(undefined), nasty),
  });
  const message = fc.oneof(
    fc.record({ jsonrpc: fc.constant("2.0"), id: fc.constantFrom(1, 2, null), result }),
    fc.record({ jsonrpc: fc.constant("2.0"), error: fc.record({ code: value, message: nasty }) }),
    value,
  );
  const json = message.map((one) => JSON.stringify(one) ?? "");
  const body = fc.oneof(
    json,
    json.map((one) => `data: ${one}\n\n`),
    nasty,
  );
  const type = fc.oneof(fc.constantFrom("application/json", "text/event-stream"), nasty);
  return fc.tuple(
    fc.constantFrom(200, 200, 200, 202, 307, 400, 401, 403, 404, 500),
    type,
    nasty,
    body,
  );
}

async function probeAnswers(answer: readonly [number, string, string, string]): Promise<void> {
  const [status, type, header, body] = answer;
  const real = globalThis.fetch;
  globalThis.fetch = () => {
    const headers = new Headers();
    const set = { "content-type": type, location: header, "www-authenticate": header };
    for (const [name, text] of Object.entries({ ...set, "mcp-session-id": header })) {
      try {
        headers.set(name, text);
      } catch {
        // No header can contain it, so no server can send it.
      }
    }
    return Promise.resolve(new Response(body, { status, headers }));
  };
  try {
    const limits = { deadlineSeconds: 0.002, requestTimeoutSeconds: 1, retryDelaySeconds: 0.01 };
    const result = await probe({ name: "server", url: "http://server:8080/mcp" }, limits);
    const said = [result.message, result.serverName, result.serverVersion, result.protocolVersion];
    for (const text of [...said, ...(result.tools ?? [])])
      assert.ok(
        text === undefined || (isClean(text) && !/[\n\t]/.test(text)),
        JSON.stringify(text),
      );
  } finally {
    globalThis.fetch = real;
  }
}

function serversFound(annotation: string, host: string): void {
  const metadata = {
    ...{ name: "clock", namespace: "apps" },
    annotations: { [pathAnnotation]: annotation },
  };
  const spec = { type: "NodePort", ports: [{ port: 8080, nodePort: 31000 }] };
  const addresses = [{ type: "InternalIP", address: host }];
  const server = serverWorkload({ namespace: "apps", labels: { app: "clock" } });
  const service = { metadata, spec: { ...spec, selector: { app: "clock" } } };
  try {
    const nodes = [{ status: { addresses } }];
    const [found] = addressesOf(serversOf([server], [service]), nodes).servers;
    assert.equal(new URL(found?.inCluster ?? "").host, "clock.apps.svc.cluster.local:8080");
    if (found?.outside !== undefined)
      assert.ok(isClean(found.outside) && URL.canParse(found.outside));
  } catch (error) {
    if (!isUserError(error)) throw error;
    assert.ok(isClean(error.message));
  }
}

function clientConfig(): fc.Arbitrary<string> {
  const entry = fc.record(
    { url: fc.oneof(nasty, value), command: nasty, headers: value, httpUrl: nasty },
    { requiredKeys: [] },
  );
  const file = fc.record(
    {
      mcpServers: fc.oneof(fc.record({ clock: entry, other: entry }, { requiredKeys: [] }), value),
      servers: value,
      mcp: value,
    },
    { requiredKeys: [] },
  );
  return fc.oneof(
    file.map((one) => JSON.stringify(one)),
    value.map((one) => JSON.stringify(one)),
    nasty,
  );
}

/** Settings that are valid at the top level and contain anything below, so that the inner checks are reached too. */
function settings(): fc.Arbitrary<Record<string, unknown>> {
  const name = fc.oneof(fc.constantFrom("github", "extra"), nasty);
  const server = fc.record(
    {
      ...{ image: nasty, port: value, path: nasty, env: value, egress: value, service: value },
      ...{ transform: value, secret: value, probes: value, row: value, files: value },
    },
    { requiredKeys: [] },
  );
  return fc.record(
    {
      namespace: fc.oneof(fc.constant("apps"), nasty),
      servers: fc.oneof(fc.dictionary(name, server), value),
      network: fc.oneof(fc.record({ dns: value, clusterRanges: value, database: value }), value),
      consumers: value,
      allowed: value,
      mesh: value,
      cutover: value,
      manager: value,
      target: nasty,
    },
    { requiredKeys: ["namespace"] },
  );
}

function stackText(): fc.Arbitrary<string> {
  const config = fc.dictionary(fc.oneof(nasty, fc.constantFrom("mcp-fleet:servers")), value);
  const file = fc.record({ config: fc.oneof(config, value) });
  return fc.oneof(
    file.map((one) => JSON.stringify(one)),
    nasty,
    nasty.map((one) => `config:\n  ${one}`),
  );
}

/** Checks every kind of input the given number of times. */
export function fuzzes(runs: number): void {
  for (const [what, property] of Object.entries(inputs)) {
    it(`${what}: no crash, and nothing on output that a terminal obeys (issue 16, item 11)`, async function () {
      this.timeout(10 * 60_000);
      await fc.assert(property, { numRuns: runs });
    });
  }
}
