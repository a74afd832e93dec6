import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { text as textOf } from "node:stream/consumers";

import {
  cleanJson,
  cleanLine,
  cleanText,
  isClean,
  JsonRefused,
  messageOf,
  parseBoundedJson,
  textWithin,
  UserError,
} from "@mcp-fleet/errors";
import { lineSink } from "@mcp-fleet/lifecycle/dist/logs";
import { readAgents } from "@mcp-fleet/observer/dist/registry";
import { openLog } from "@mcp-fleet/telemetry";
import { execa } from "execa";

import { createContext } from "../../../cli/context";
import { fuzzes } from "../../support/fuzz";
import { closeServers, type Handler, serve, toolNamed } from "../mcp-probe/servers";

/** One example of each kind of control character. */
const obeyed = [
  "\u0000",
  "\u0007",
  "\u001b[2J",
  "\u007f",
  "\u0085",
  "\u009b31m",
  "\u200e",
  "\u202e",
]
  .concat(["\u2028", "\u2029", "\u2066", "\u2069", "\ufeff", "\u061c", "\r", "\ud800"])
  .map((one) => `a${one}b`);

describe("what others send, where it is printed (issue 16, item 11)", () => {
  it("is cleaned by one function, in text, on a line and in JSON", () => {
    for (const text of obeyed) {
      assert.ok(isClean(cleanText(text)) && isClean(cleanLine(text)), JSON.stringify(text));
      assert.ok(isClean(cleanJson(JSON.stringify(text))));
    }
    assert.equal(cleanText("a\tb\r\nc"), "a\tb\nc");
    assert.equal(cleanLine("a\tb\nc"), "a b c");
    assert.equal(cleanLine("äöü 日本 🙂"), "äöü 日本 🙂");
    assert.equal(cleanLine("abcdef", 3), "abc…");
    assert.deepEqual(JSON.parse(cleanJson('{"a":"\u202e\u009b"}')), { a: "\u202e\u009b" });
  });

  it("is clean in an error, whoever made its text", () => {
    for (const text of obeyed) {
      const error = new UserError(text, text);
      assert.ok(isClean(error.message) && isClean(error.problem) && isClean(error.fix));
      assert.ok(isClean(messageOf(new Error(text))) && isClean(messageOf(text)));
    }
  });

  it("is clean in a log line, which still says what was sent", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-log-"));
    try {
      const file = join(directory, "log");
      const log = await openLog("test", file);
      for (const text of obeyed.slice(0, -1)) log.warn({ said: text, err: new Error(text) }, text);
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      assert.equal(lines.length, obeyed.length - 1);
      assert.ok(isClean(lines.join("\n")));
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as { said: string }).said),
        obeyed.slice(0, -1),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("is clean in every form of a command's result, and only our own colours are left", async () => {
    for (const output of ["table", "json", "yaml"] as const) {
      for (const text of obeyed) {
        const [stdout, stderr] = [new PassThrough(), new PassThrough()];
        const signal = new AbortController().signal;
        const context = createContext({ stdin: process.stdin, stdout, stderr }, signal, () => ({
          output,
        }));
        await context.print({ [text]: [text] }, () => `${context.styled("red", text)} ${text}`);
        context.line(text);
        context.note(text);
        stdout.end();
        stderr.end();
        assert.ok(isClean(await textOf(stdout)), `${output} ${JSON.stringify(text)}`);
        assert.ok(isClean(await textOf(stderr)));
      }
    }
  });

  it("keeps a command's own colours on a terminal, and nobody else's", async () => {
    const stdout = Object.assign(new PassThrough(), { isTTY: true, getColorDepth: () => 8 });
    const streams = { stdin: process.stdin, stdout, stderr: stdout };
    const context = createContext(streams, new AbortController().signal, () => ({
      output: "table",
    }));
    await context.print({}, () => `${context.styled("red", "ours\u001b[32m")} \u001b[32mtheirs`);
    stdout.end();
    const shown = await textOf(stdout);
    const coloured = process.env.NO_COLOR === undefined && shown.includes("\u001b");
    assert.equal(
      shown,
      coloured ? "\u001b[31mours [32m\u001b[39m  [32mtheirs\n" : "ours [32m  [32mtheirs\n",
    );
  });

  fuzzes(150);
});

describe("what others send, before it is parsed (issue 16, item 11)", () => {
  const bounds = { characters: 1000, depth: 5, values: 20 };

  it("is refused beyond a bound, and only then", () => {
    const refused = (text: string): boolean => {
      try {
        parseBoundedJson(text, bounds);
        return false;
      } catch (error) {
        return error instanceof JsonRefused;
      }
    };
    assert.deepEqual(parseBoundedJson('{"a":["[[[[[[,,,,\\"[",1]}', bounds), {
      a: ['[[[[[[,,,,"[', 1],
    });
    assert.ok(!refused("[".repeat(5) + "]".repeat(5)) && refused("[".repeat(6) + "]".repeat(6)));
    assert.ok(refused(`[${"1,".repeat(30)}1]`) && refused(`"${"x".repeat(1000)}"`));
    for (const text of ["", "{", '"\\', '"', "[1,]", "nul", '{"a":1,}'])
      assert.ok(refused(text), text);
  });
});

describe("what others send without end (issue 16, item 11)", () => {
  it("is read up to a bound: a registry's agents, a body, a pod's line", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(Buffer.alloc(65_536, "x"));
    }
    await assert.rejects(textWithin(endless(), 1_000_000), JsonRefused);
    assert.equal(await textWithin(null, 10), "");
    const lines: string[] = [];
    const sink = lineSink((line) => lines.push(line));
    sink.write(Buffer.from("a\n"));
    for (let count = 0; count < 100; count += 1) sink.write(Buffer.alloc(10_000, "x"));
    sink.end("\nb");
    await once(sink, "finish");
    assert.deepEqual([lines[0], lines.at(-1)], ["a", "b"]);
    assert.ok(lines.every((line) => line.length <= 64 * 1024));
    assert.equal(lines.slice(1, -1).join("").length, 1_000_000);
  });

  it("does not kill the observer: a registry that answers with too much is an error", async () => {
    const real = globalThis.fetch;
    globalThis.fetch = () =>
      Promise.resolve(new Response(`{"agents":[${"[],".repeat(300_000)}0]}`));
    try {
      await assert.rejects(readAgents("http://registry:8000"), JsonRefused);
    } finally {
      globalThis.fetch = real;
    }
  });
});

describe("a probe against a server that sends too much (issue 16, item 11)", () => {
  afterEach(closeServers);
  const mib = 1024 * 1024;

  /** The peak memory of a probe's process in MiB, and its message. Its pod has 192 MiB. */
  async function probed(handler: Handler): Promise<{ mib: number; message: string }> {
    const server = await serve(handler);
    const targets = JSON.stringify({
      targets: [{ name: "big", url: server.url }],
      options: { deadlineSeconds: 10, retryDelaySeconds: 0.05 },
    });
    const told =
      'process.on("exit", () => process.stderr.write(String(process.resourceUsage().maxRSS)))';
    const cli = resolve("packages/mcp-probe/dist/cli.js");
    const { stdout, stderr } = await execa(
      process.execPath,
      ["-e", `${told};require(${JSON.stringify(cli)})`],
      { env: { MCP_PROBE_TARGETS: targets }, reject: false, stdin: "ignore", timeout: 60_000 },
    );
    const { message } = JSON.parse(stdout) as { message: string };
    return { mib: Number(stderr) / 1024, message };
  }

  const bodies: Readonly<Record<string, readonly [string, () => string]>> = {
    "six megabytes of empty lists": ["application/json", () => `[${"[],".repeat(2 * mib)}0]`],
    "three megabytes of empty lists": ["application/json", () => `[${"[],".repeat(mib)}0]`],
    "a hundred megabytes in one line": ["application/json", () => "x".repeat(100 * mib)],
    "lists in lists": ["application/json", () => "[".repeat(3 * mib)],
    "a stream of empty lists": ["text/event-stream", () => `data: [${"[],".repeat(2 * mib)}0]\n\n`],
    "a stream without an end": ["text/event-stream", () => ": x\n".repeat(20 * mib)],
  };
  for (const [what, [type, body]] of Object.entries(bodies)) {
    it(`ends within its pod's memory, and says why: ${what}`, async function () {
      this.timeout(120_000);
      const seen = await probed((_seen, _request, response) => {
        response.writeHead(200, { "content-type": type });
        response.end(body());
      });
      assert.ok(seen.mib < 192, `${Math.round(seen.mib)} MiB`);
      assert.match(
        seen.message,
        /more than 4 MiB|deeper than 64 levels|more than 200000 values|without an answer/,
      );
    });
  }

  it("refuses names and lists beyond any server's", async function () {
    this.timeout(60_000);
    const lists =
      (tools: () => object[]): Handler =>
      (seen, _request, response) => {
        const { id, method } = seen.body ?? {};
        const initialized = {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "big", version: "1" },
        };
        const result = method === "initialize" ? initialized : { tools: tools() };
        response.writeHead(id === undefined ? 202 : 200, { "content-type": "application/json" });
        response.end(id === undefined ? "" : JSON.stringify({ jsonrpc: "2.0", id, result }));
      };
    const long = await probed(lists(() => [toolNamed("x".repeat(300))]));
    assert.match(long.message, /a tool whose name has more than 256 characters/);
    const many = await probed(
      lists(() => Array.from({ length: 10_001 }, (_, i) => toolNamed(`t${i}`))),
    );
    assert.match(many.message, /lists more than 10000 tools/);
    const fine = await probed(
      lists(() => Array.from({ length: 5000 }, (_, i) => toolNamed(`t${i}`))),
    );
    assert.match(fine.message, /lists 5000 tools\.$/);
    assert.ok(fine.mib < 192, `${fine.mib}`);
  });
});
