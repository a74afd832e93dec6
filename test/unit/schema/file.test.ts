import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { integratedServers } from "@mcp-fleet/catalog";
import { isUserError } from "@mcp-fleet/errors";
import { checkStackFile, jsonSchemaOf, serverSchema, stackSchema } from "@mcp-fleet/schema";
import { Ajv2020 } from "ajv/dist/2020";
import { parse } from "yaml";
import { z } from "zod";

import { exampleStacks, root } from "../../support/stack-file";

const alone = `
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }`;

/** The problems of a stack with one server, as `path: problem` and the fix. */
function wrong(server: string, rest = ""): [string, string][] {
  const text = `config:${alone}${rest}\n  mcp-fleet:servers:\n    a:\n      image: a/b:1\n      port: 8000\n      row: false\n${server}`;
  return checkStackFile("Pulumi.x.yaml", text, integratedServers).problems.map(
    ({ path, problem, fix }) => [`${path}: ${problem}`, fix],
  );
}

describe("what YAML makes of a value", () => {
  const refused = [
    ...["0755", "1.10", "1e3", "12345678901234567890", "0x1F", "0o17", "2026-01-01", "~", "null"],
    ...["1_000", "12:30:45", ".5", "+1", "True", ".inf", "-0", "1.", "007"],
  ];
  for (const source of refused) {
    it(`${source} is refused as a variable, with the form to write`, () => {
      const [[problem, fix] = ["", ""], ...more] = wrong(`      env: { VALUE: ${source} }\n`);
      assert.deepEqual(more, []);
      assert.equal(
        problem,
        `servers.a.env.VALUE: is ${source} without quotes, which YAML does not parse as text, so the process may get another value.`,
      );
      const written = /Write it in quotes: (.*)$/.exec(fix)?.[1] ?? "";
      assert.deepEqual(wrong(`      env: { ${written} }\n`), []);
    });
  }

  const taken = [
    "8000",
    "-1",
    "0",
    "true",
    "false",
    "yes",
    "on",
    "off",
    "no",
    "1.2.3",
    "5m",
    '"1.10"',
  ];
  for (const source of taken) {
    it(`${source} arrives as it stands there`, () => {
      assert.deepEqual(wrong(`      env: { VALUE: ${source} }\n`), []);
    });
  }

  it("is looked at in arguments and commands too, and not where numbers are meant", () => {
    const [[problem, fix] = ["", ""]] = wrong("      args: [--port, 8000, --ratio, 0.50]\n");
    assert.match(problem, /^servers\.a\.args\[3\]: is 0\.50 without quotes/);
    assert.equal(fix, 'Write it in quotes: - "0.50"');
    assert.deepEqual(
      wrong("      startSeconds: 1.50\n      resources: { requests: { cpu: 0.50 } }\n"),
      [],
    );
  });
});

describe("a stack's file, looked at by itself", () => {
  it("says everything that is wrong at once, each with its place", () => {
    const found = wrong(
      "      prot: 80\n      files: { /run/key.json: { secret: UPPER, key: x } }\n      volumes: { data: { mount: /data } }\n",
      "\n  mcp-fleet:serverSecrets: { a: { TOKEN: legible } }\n  mcp-fleet:databaseUrl: postgresql://u:p@h/d\n  mcp-fleet:nonsense: 1",
    ).map(([problem]) => problem);
    assert.deepEqual(found.map((one) => one.split(": ")[0]).sort(), [
      "databaseUrl",
      "nonsense",
      "serverSecrets.a.TOKEN",
      'servers.a.files["/run/key.json"].secret',
      "servers.a.prot",
      "servers.a.volumes.data",
    ]);
    assert.ok(!found.join("\n").includes("legible") && !found.join("\n").includes("u:p@"));
  });

  it("refuses several replicas where each new pod waits for the end of the old one", () => {
    const claim =
      "      volumes: { data: { claim: tools-data, mount: /data } }\n      replicas: 2\n";
    assert.match(wrong(claim)[0]?.[0] ?? "", /^servers\.a\.strategy: lets no pod serve/);
    assert.deepEqual(wrong(`${claim}      strategy: rolling\n`), []);
  });

  it("reads what pulumi config set wrote: booleans and objects as text", () => {
    const { problems } = checkStackFile(
      "Pulumi.x.yaml",
      'config:\n  mcp-fleet:namespace: "true"\n  mcp-fleet:createNamespace: "false"\n  mcp-fleet:cutover: "{\\"enabled\\": false}"\n  mcp-fleet:studio: "{"\n',
      integratedServers,
    );
    assert.deepEqual(
      problems
        .map(({ path, problem }) => `${path}: ${problem}`)
        .filter((one) => !/images|DATABASE/.test(one)),
      ["studio: is not valid JSON."],
    );
  });

  it("finds the key that was meant inside of a value that is changed when it is read", () => {
    const [[problem, fix] = ["", ""]] = wrong(
      "      autoscaling: { maxReplicas: 3, maxReplica: 3 }\n",
    );
    assert.equal(problem, "servers.a.autoscaling.maxReplica: is not a known key.");
    assert.equal(fix, 'Did you mean "servers.a.autoscaling.maxReplicas"?');
  });

  it("knows encrypted secrets by their names, and says what it cannot see", () => {
    const secrets = (text: string) =>
      checkStackFile(
        "Pulumi.x.yaml",
        `config:${alone}\n  mcp-fleet:serverSecrets: ${text}\n  mcp-fleet:servers: { github: { image: a/b:1 } }\n`,
        integratedServers,
      );
    const named = secrets("{ github: { GITHUB_PERSONAL_ACCESS_TOKEN: { secure: v1:abc } } }");
    assert.deepEqual([named.problems, named.unseen, named.servers], [[], [], ["github"]]);
    const whole = secrets("{ secure: v1:abc }");
    assert.deepEqual([whole.problems, whole.unseen], [[], ["serverSecrets"]]);
    const other = secrets("{ github: { TOKEN: { secure: v1:abc } } }");
    assert.match(other.problems[0]?.problem ?? "", /lacks GITHUB_PERSONAL_ACCESS_TOKEN/);
  });

  for (const [what, text] of [
    ["a manifest", "apiVersion: v1\nkind: Pod\n"],
    ["a list", "[1, 2]"],
    ["no YAML", "config: [\n"],
    ["a file without an end", `config: { x: "${"a".repeat(1024 * 1024)}" }`],
  ] as const) {
    it(`refuses ${what} in two sentences`, () => {
      assert.throws(() => checkStackFile("file.yaml", text, integratedServers), isUserError);
    });
  }

  it("takes a stack that has only its salt", () => {
    const { problems } = checkStackFile("x", "encryptionsalt: v1:abc\n", integratedServers);
    assert.deepEqual(
      problems.map(({ path }) => path).sort(),
      [...["databaseUrl", "namespace", "studio.images", "studioSecrets.DATABASE_URL"]].filter(
        (path) => problems.some((one) => one.path === path),
      ),
    );
    assert.ok(problems.some(({ path }) => path === "namespace"));
  });
});

describe("the JSON Schema of stack files", () => {
  const schema = JSON.parse(
    readFileSync(join(root, "docs/reference/stack-file.schema.json"), "utf8"),
  ) as object;
  const valid = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);

  for (const stack of ["Pulumi.dev", "Pulumi.prod", ...exampleStacks]) {
    it(`takes ${stack}.yaml, which names it`, () => {
      const text = readFileSync(join(root, `${stack}.yaml`), "utf8");
      assert.match(text, /^# yaml-language-server: \$schema=\S*stack-file\.schema\.json$/m);
      assert.ok(valid(parse(text)), JSON.stringify(valid.errors));
    });
  }

  it("takes the example of every key of a stack", () => {
    for (const [key, one] of Object.entries(stackSchema.shape)) {
      const [example] = jsonSchemaOf(one).examples ?? [];
      assert.ok(valid({ config: { [`mcp-fleet:${key}`]: example } }), JSON.stringify(valid.errors));
    }
  });

  it("takes secrets as ciphertexts and in no other form", () => {
    const secure = { secure: "v1:abc" };
    const holds = (config: object): boolean =>
      valid({ config: { "mcp-fleet:namespace": "x", ...config } });
    assert.ok(holds({ "mcp-fleet:databaseUrl": secure, "mcp-fleet:studioSecrets": { A: secure } }));
    assert.ok(holds({ "mcp-fleet:serverSecrets": { github: { TOKEN: secure } } }));
    assert.ok(!holds({ "mcp-fleet:databaseUrl": "postgresql://u:p@h/d" }));
    assert.ok(!holds({ "mcp-fleet:serverSecrets": { github: { TOKEN: "plain" } } }));
  });

  it("refuses a key that nobody knows, a wrong value and a key of ours that is misspelt", () => {
    for (const [key, value] of [
      ["mcp-fleet:servers", { a: { prot: 1 } }],
      ["mcp-fleet:servers", { a: { port: 0 } }],
      ["mcp-fleet:severs", {}],
    ] as const) {
      assert.ok(!valid({ config: { "mcp-fleet:namespace": "x", [key]: value } }), key);
    }
  });
});

/** A value as `pulumi config set --path` stores it. */
function pasted(value: unknown): unknown {
  if (typeof value === "string")
    return /^(true|false|-?\d+)$/.test(value) ? (JSON.parse(value) as unknown) : value;
  if (Array.isArray(value)) return value.map(pasted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, pasted(one)]));
}

/** Every key of a schema, at every depth and in every form of a value. */
function keysOf(schema: z.core.$ZodType, path = ""): [path: string, schema: z.core.$ZodType][] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return Object.entries(def.shape).flatMap(([key, one]) => {
        const at = path === "" ? key : `${path}.${key}`;
        return [[at, one] as [string, z.core.$ZodType], ...keysOf(one, at)];
      });
    case "record":
      return keysOf(def.valueType, `${path}.<key>`);
    case "array":
      return keysOf(def.element, `${path}[]`);
    case "union":
      return def.options.flatMap((one) => keysOf(one, path));
    case "pipe":
      return keysOf(def.in._zod.def.type === "transform" ? def.out : def.in, path);
    case "optional":
    case "default":
    case "prefault":
      return keysOf(def.innerType, path);
    default:
      return [];
  }
}

describe("the schema", () => {
  const keys = keysOf(stackSchema);

  // A fix contains an example, which must be valid when it is pasted.
  it("explains every key at every depth, with an example and a default that it takes", () => {
    const wanting = keys.flatMap(([path, schema]) => {
      const said = jsonSchemaOf(schema as z.ZodType);
      const values = said.examples ?? [];
      return [
        ...((said.description ?? "").length > 4 ? [] : [`${path} is not explained`]),
        ...((said.examples ?? []).length > 0 ? [] : [`${path} has no example`]),
        ...values
          .filter((value) =>
            [value, pasted(value)].some((one) => !z.safeParse(schema, one).success),
          )
          .map((value) => `${path} does not take ${JSON.stringify(value)}`),
        ...(said.default === undefined || z.safeParse(schema, said.default).success
          ? []
          : [`${path} does not take its default`]),
      ];
    });
    assert.deepEqual(wanting, []);
    for (const key of ["mesh.agents.<key>.capabilities[].tags", "servers.<key>.env.<key>.field"])
      assert.ok(
        keys.some(([path]) => path === key),
        `${key} was not looked at`,
      );
  });

  it("takes each example of a server's key beside the rest of a server", () => {
    for (const [key, schema] of Object.entries(serverSchema.shape)) {
      for (const example of jsonSchemaOf(schema).examples ?? []) {
        const server = { image: "a/b:1", port: 8000, [key]: example };
        const parsed = stackSchema.shape.servers.safeParse({ a: server });
        assert.ok(parsed.success, `${key}: ${JSON.stringify(parsed.error?.issues)}`);
      }
    }
  });
});
