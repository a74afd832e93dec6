import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { type BadConfig, refusesEach } from "../support/refusal";
import { fullStack, runProgram } from "../support/resources";

const stack = "organization/infra/prod";
const databaseUrl = "postgresql://cutover:dsn-secret@db.example:5432/studio";
const studioUrl = "postgresql://studio:clear-secret@db.example:5432/studio";
const infra = {
  outputs: {
    space: "llmctl-prod",
    cutoverUrl: databaseUrl,
    studioUrl,
    nodes: 3,
    open: databaseUrl,
  },
  secrets: ["cutoverUrl", "studioUrl"],
};
const stacks = { [stack]: infra };

/** The stack that works, with what `outputs` names taken from the other one. */
function sharing(outputs: Record<string, unknown>): Pick<BadConfig, "plain" | "secret" | "stacks"> {
  const taken = { ...("namespace" in outputs ? { namespace: "" } : {}) };
  return {
    plain: { ...taken, shared: { stack, outputs } },
    secret: {
      ...("databaseUrl" in outputs ? { databaseUrl: undefined } : {}),
      ...("studioSecrets" in outputs ? { studioSecrets: undefined } : {}),
    },
    stacks,
  };
}

describe("what a stack takes from another one", () => {
  it("is namespace, database and the application's secrets; the secrets stay secret", async () => {
    const { serverSecrets } = fullStack.secret ?? {};
    const outputs = {
      namespace: "space",
      databaseUrl: "cutoverUrl",
      studioSecrets: { DATABASE_URL: "studioUrl" },
    };
    const { recorder } = await runProgram(
      {
        plain: { ...fullStack.plain, namespace: "", shared: { stack, outputs } },
        secret: { serverSecrets },
      },
      { stacks },
    );
    const namespaces = recorder.resources.flatMap(({ inputs }) => {
      const metadata = inputs.metadata as { namespace?: string } | undefined;
      return metadata?.namespace ?? [];
    });
    assert.ok(namespaces.length > 20);
    assert.deepEqual([...new Set(namespaces)], ["llmctl-prod"]);
    for (const kind of ["Cutover", "Settle"]) {
      const { credentials } =
        recorder.resources.find(({ type }) => type.endsWith(`mcp-fleet:${kind}`))?.inputs ?? {};
      assert.ok(pulumi.runtime.isRpcSecret(credentials), kind);
      assert.deepEqual(pulumi.runtime.unwrapRpcSecret(credentials), { databaseUrl });
    }
    const { stringData } = recorder.one("kubernetes:core/v1:Secret", "llmctl-studio-secret").inputs;
    assert.ok(pulumi.runtime.isRpcSecret(stringData));
    assert.deepEqual(pulumi.runtime.unwrapRpcSecret(stringData), { DATABASE_URL: studioUrl });
    const clear = JSON.stringify(recorder.resources.map(({ inputs }) => withoutSecrets(inputs)));
    assert.doesNotMatch(clear, /dsn-secret|clear-secret/);
  });

  it("is nothing when it is left empty: the provider has its own database URL", async () => {
    const plain = { ...fullStack.plain, shared: {} };
    const { recorder } = await runProgram({ ...fullStack, plain });
    const cutover = recorder.resources.find(({ type }) => type.endsWith(":Cutover"));
    assert.ok(cutover !== undefined && !("credentials" in cutover.inputs));
  });

  const named = /the stack organization\/infra\/prod/;
  refusesEach([
    {
      what: "an output that the other stack does not have",
      ...sharing({ databaseUrl: "url" }),
      names:
        /\[shared\.outputs\.databaseUrl\] names the output url, which the stack organization\/infra\/prod does not have/,
      fix: /pulumi stack output --stack organization\/infra\/prod/,
    },
    {
      what: "a credential that the other stack keeps in plain text",
      ...sharing({ databaseUrl: "open" }),
      names: /\[shared\.outputs\.databaseUrl\] names the output open, which .* keeps in plain text/,
      fix: /pulumi\.secret/,
    },
    {
      what: "a secret as a name",
      ...sharing({ namespace: "studioUrl" }),
      names: /\[shared\.outputs\.namespace\] names the output studioUrl, which is a secret/,
      fix: /in clear/,
    },
    {
      what: "an output that is not text",
      ...sharing({ namespace: "nodes" }),
      names: /\[shared\.outputs\.namespace\] .* is not text/,
      fix: /as a string/,
    },
    {
      what: "several of them, at once",
      ...sharing({ namespace: "x", studioSecrets: { DATABASE_URL: "y" } }),
      names:
        /2 things are wrong[^]*shared\.outputs\.namespace[^]*shared\.outputs\.studioSecrets\.DATABASE_URL/,
      fix: named,
    },
    {
      what: "a value of its own beside it",
      plain: { shared: { stack, outputs: { namespace: "space", databaseUrl: "cutoverUrl" } } },
      stacks,
      names:
        /\[namespace\] and \[shared\.outputs\.namespace\][^]*\[databaseUrl\] and \[shared\.outputs\.databaseUrl\] are both set/,
      fix: /pulumi config rm databaseUrl/,
    },
    {
      what: "no stack",
      plain: { shared: { outputs: { namespace: "space" } } },
      names: /\[shared\.stack\] is missing/,
      fix: /--path shared\.stack organization\/project\/stack$/,
    },
    {
      what: "a key that is not taken from another stack",
      ...sharing({ target: "x" }),
      names: /\[shared\.outputs\.target\] is not a known key/,
      fix: /databaseUrl, namespace, studioSecrets/,
    },
  ]);
});

function withoutSecrets(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return "[secret]";
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]),
  );
}
