import assert from "node:assert/strict";

import { parseToolsLock, toolsLockFile, toolsLockText } from "@mcp-fleet/schema";
import fc from "fast-check";

const name = "Pulumi.dev.tools.json";
const tool = fc.record(
  {
    title: fc.string(),
    description: fc.string({ unit: "binary" }),
    inputSchema: fc.dictionary(fc.string(), fc.jsonValue()),
    outputSchema: fc.jsonValue(),
    annotations: fc.dictionary(fc.string(), fc.boolean()),
  },
  { requiredKeys: [] },
);
const usable = (key: string): boolean => key !== "__proto__";
const servers = fc.dictionary(
  fc.string().filter(usable),
  fc.dictionary(fc.string().filter(usable), tool),
  { maxKeys: 4 },
);
/** As JSON has it: no -0, no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("the file of a tools lock", () => {
  it("has its name from the stack's file", () => {
    assert.equal(toolsLockFile("Pulumi.dev.yaml"), "Pulumi.dev.tools.json");
    assert.equal(toolsLockFile("stacks/prod.yml"), "stacks/prod.tools.json");
  });

  it("reads what it wrote, whatever a server says", () => {
    fc.assert(
      fc.property(servers, (written) => {
        assert.deepEqual(plain(parseToolsLock(name, toolsLockText(written))), plain(written));
      }),
      { numRuns: 300 },
    );
  });

  it("is the same for the same tools in another order", () => {
    const [a, b] = [
      { description: "A", inputSchema: { type: "object", required: ["x"] } },
      { description: "B", inputSchema: { required: ["x"], type: "object" } },
    ];
    assert.equal(
      toolsLockText({ s: { a, b }, t: {} }),
      toolsLockText({
        t: {},
        s: { b: { ...b }, a: { inputSchema: a.inputSchema, description: "A" } },
      }),
    );
  });

  it("shows what a reviewer would not see, and each line of a description by itself", () => {
    const description = "Finds issues.\nRead-only.\u200b\u202e\u{e0041}";
    const text = toolsLockText({ github: { search: { description, inputSchema: {} } } });
    assert.match(
      text,
      /\n {12}"Finds issues\.",\n {12}"Read-only\.\\u200b\\u202e\\udb40\\udc41"\n/,
    );
    assert.doesNotMatch(text, /[\u200b\u202e]/);
  });

  it("shows what carries a text that is drawn as nothing, and leaves pictures as they are", () => {
    const hidden = "\ufe00\u{e0101}\u3164\u115f\u034f\u2800\u00a0";
    const description = `Warns \u26a0\ufe0f.${hidden}`;
    const text = toolsLockText({ github: { search: { description, inputSchema: {} } } });
    assert.match(
      text,
      /"Warns \u26a0\ufe0f\.\\ufe00\\udb40\\udd01\\u3164\\u115f\\u034f\\u2800\\u00a0"/,
    );
    assert.equal(parseToolsLock(name, text).github?.search?.description, description);
  });

  for (const [what, content, problem] of [
    [
      "a tool that is there twice: a reviewer may read the one, and the other holds",
      '{"version":1,"servers":{"a":{"tools":{"b":{"description":"x"},"b":{"description":"y"}}}}}',
      /has a key twice/,
    ],
    [
      "a key twice in a schema, however it is written",
      '{"version":1,"servers":{"a":{"tools":{"b":{"inputSchema":{"x:\\"":1,"ty\\u0070e":"a","type":"b"}}}}}}',
      /has a key twice/,
    ],
    [
      "the name that no copy keeps",
      '{"version":1,"servers":{"a":{"tools":{"__proto__":{"description":"x"}}}}}',
      /__proto__/,
    ],
    ["no JSON", "{", /is no JSON\./],
    ["another version", '{"version":2,"servers":{}}', /version/],
    [
      "a tool that is a text",
      '{"version":1,"servers":{"a":{"tools":{"b":"c"}}}}',
      /servers\.a\.tools\.b/,
    ],
    [
      "what is nested without end",
      `{"version":1,"servers":${"[".repeat(200)}${"]".repeat(200)}}`,
      /nested|levels|deep/,
    ],
  ] as const) {
    it(`refuses ${what}, and says how to get one`, () => {
      assert.throws(
        () => parseToolsLock(name, content),
        (error: Error) => problem.test(error.message) && /mcp-fleet tools lock/.test(error.message),
      );
    });
  }
});
