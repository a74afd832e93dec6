import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { isUserError } from "@mcp-fleet/errors";
import { checkStackFile, encryptedIn, type Problem, sentence, setCommand } from "@mcp-fleet/schema";

const head = `config:
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }`;

const check = (servers: string): readonly Problem[] =>
  checkStackFile("Pulumi.x.yaml", `${head}\n  mcp-fleet:servers: ${servers}\n`, integratedServers)
    .problems;
const alone = (fields: string): readonly Problem[] =>
  check(`{ a: { image: a/b:1, port: 8000, row: false, ${fields} } }`);
const said = (problems: readonly Problem[]): string[] => problems.map(sentence);

/** The message of a file that is rejected as a whole. */
function refusal(text: string): string {
  try {
    checkStackFile("Pulumi.x.yaml", text, integratedServers);
  } catch (error) {
    assert.ok(isUserError(error), String(error));
    return error.message;
  }
  return assert.fail("the file was taken");
}

describe("odd YAML in a stack's file", () => {
  it("<< merges, as the engine reads it", () => {
    const merged = `{ a: { image: a/b:1, port: 8000, row: false, env: &base { A: b }, sidecars: [{ name: s, image: a/b:1, env: { <<: *base, C: d } }] } }`;
    assert.deepEqual(check(merged), []);
  });

  for (const [what, env] of [
    ["an alias", "{ MODE: *v }"],
    ["a merged map", "{ <<: [*m], A: b }"],
  ] as const) {
    it(`what YAML makes of a number is seen through ${what}`, () => {
      const anchors = `  other:x: { v: &v 0755, m: &m { MODE: 0755, A: 0755 } }`;
      const text = `${head}\n${anchors}\n  mcp-fleet:servers: { a: { image: a/b:1, port: 8000, row: false, env: ${env} } }\n`;
      const { problems } = checkStackFile("x", text, integratedServers);
      assert.deepEqual(
        problems.map(({ path }) => path),
        ["servers.a.env.MODE"],
      );
    });
  }

  it("an item of a list is told once", () => {
    assert.deepEqual(
      alone("args: [x, 1.10, null]").map(({ path }) => path),
      ["servers.a.args[1]", "servers.a.args[2]"],
    );
  });

  for (const [what, text, says] of [
    [
      "an alias of nothing, without quoting it",
      `${head}\n  mcp-fleet:databaseUrl: *hunter2\n`,
      /alias \(\*\) without an anchor in line 5/,
    ],
    [
      "an alias of what it is a part of",
      "config: &c { x: *c }\n",
      /inside of its own anchor in line 1/,
    ],
    [
      "aliases of aliases",
      `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(40)}]\nc: &c [${"*b,".repeat(40)}]\nconfig: { x: *c }\n`,
      /expands aliases more than/,
    ],
    [
      "__proto__ as a key",
      `${head}\n  mcp-fleet:servers: { __proto__: {} }\n`,
      /__proto__ in line 5/,
    ],
    ["a list that is deeper than the parser", `config: ${"[".repeat(20_000)}`, /is no YAML/],
  ] as const) {
    it(`refuses ${what}`, () => {
      const message = refusal(text);
      assert.match(message, says);
      assert.ok(!message.includes("hunter2"));
    });
  }

  it("a server, a variable and a volume may have the names of what every object has", () => {
    assert.deepEqual(check("{ constructor: { image: a/b:1, port: 8000, row: false } }"), []);
    assert.match(said(alone("env: { A: $(constructor) }")).join(), /refers to \$\(constructor\)/);
    const mounts = "sidecars: [{ name: s, image: a/b:1, mounts: { constructor: /x } }]";
    assert.match(said(alone(mounts)).join(), /mounts\.constructor\] names no volume/);
  });

  it("a key with a line break forges no line of the report", () => {
    const lines = said(alone('"x\\nf.yaml: nothing is wrong": 1'));
    assert.ok(lines.length === 1 && !lines[0]?.includes("\n"), lines.join());
  });

  it("a secret within a key that is none is told where it stands", () => {
    const inEnv = "env: { TOKEN: { secure: v1:abc } }, args: [{ secure: v1:abc }]";
    const problems = alone(inEnv);
    assert.deepEqual(
      problems.map(({ path, fix }) => [path, /config (rm .*?);/.exec(fix)?.[1]]),
      [
        ["servers.a.env.TOKEN", "rm --path servers.a.env.TOKEN"],
        ["servers.a.args[0]", "rm --path 'servers.a.args[0]'"],
      ],
    );
    const text = `${head}\n  mcp-fleet:servers: { a: { ${inEnv} } }\n`;
    assert.deepEqual(encryptedIn(text, "servers"), problems);
    assert.deepEqual(
      encryptedIn("", "servers").map(({ path }) => path),
      ["servers"],
    );
  });
});

describe("the name of a server", () => {
  for (const [config, name, says] of [
    [
      "mcp-fleet:manager: { enabled: true, image: a/b:1 }",
      "llmctl-studio-manager",
      "the manager's pod",
    ],
    [
      "mcp-fleet:observability: { observer: { image: a/b:1 } }",
      "llmctl-studio-observer",
      "the observer's pod",
    ],
  ] as const) {
    it(`is not that of ${says}`, () => {
      const text = `${head}\n  ${config}\n  mcp-fleet:servers: { a: { image: a/b:1, port: 8000, row: false, name: ${name} } }\n`;
      const { problems } = checkStackFile("x", text, integratedServers);
      assert.deepEqual(said(problems), [`[servers.a.name] "${name}" is the name of ${says}.`]);
    });
  }
});

describe("the value that a fix shows", () => {
  it("is text where text is meant, and no option", () => {
    assert.match(
      setCommand(["servers", "a", "podAnnotations", "prometheus.io/scrape"], "true"),
      /config set --path --type string 'servers\.a\.podAnnotations\["prometheus\.io\/scrape"\]' true$/,
    );
    assert.match(
      alone("args: [{ a: b }]")[0]?.fix ?? "",
      /config set --path --type string -- 'servers\.a\.args\[0\]' --transport$/,
    );
  });
});
