import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import { listUpdates, planRollback, type StackConfig, type Update } from "@mcp-fleet/operations";

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isUserError(error)) return `${error.problem}\n${error.fix}`;
    throw error;
  }
  throw new Error("it was to be refused and was not");
}

const plain = (value: unknown): { value: unknown; secret: boolean } => ({ value, secret: false });
const secret = (value: unknown): { value: unknown; secret: boolean } => ({ value, secret: true });

function update(version: number, config: StackConfig, more: Partial<Update> = {}): Update {
  const minute = String(version).padStart(2, "0");
  return {
    version,
    kind: "update",
    succeeded: true,
    startedAt: `2026-01-01T00:${minute}:00Z`,
    endedAt: `2026-01-01T00:${minute}:30Z`,
    commit: "abc",
    changes: {},
    config,
    ...more,
  };
}
const program = { commit: "abc", changed: [] };
const embedded = { "p:target": plain("embedded"), "p:s": secret({ a: { T: "old" } }) };
const moved = {
  "p:target": plain("in-cluster"),
  "p:s": secret({ a: { T: "new" }, b: { T: "b" } }),
};

describe("rollback", () => {
  it("goes to the last successful update that was otherwise, and keeps rotated secrets", () => {
    const updates = [update(1, embedded), update(2, moved, { succeeded: false }), update(3, moved)];
    const plan = planRollback({ updates, config: moved, program });
    assert.equal(plan.to.version, 1);
    assert.equal(plan.otherProgram, undefined);
    assert.deepEqual(plan.keptSecrets, ["p:s.a.T"]);
    assert.deepEqual(plan.config, {
      "p:target": plain("embedded"),
      "p:s": secret({ a: { T: "new" } }),
    });
    assert.deepEqual(plan.configChanges, [
      { path: "p:s.b.T", from: "(secret)" },
      { path: "p:target", from: "in-cluster", to: "embedded" },
    ]);
  });

  it("takes the conflict policy it is given, beside the cutover's other settings of then", () => {
    const key = "mcp-fleet:cutover";
    const then = { ...embedded, [key]: plain({ onConflict: "fail", maxRows: 10 }) };
    const request = { updates: [update(1, then)], config: moved, program };
    const { config, keptSecrets } = planRollback({ ...request, onConflict: "keep" });
    assert.deepEqual(config[key], plain({ onConflict: "keep", maxRows: 10 }));
    assert.deepEqual(keptSecrets, ["p:s.a.T"]);
    assert.deepEqual(planRollback(request).config[key], then[key]);
  });

  it("takes old secrets back only when told to", () => {
    const plan = planRollback({
      updates: [update(1, embedded)],
      config: moved,
      program,
      withSecrets: true,
    });
    assert.deepEqual(plan.config, embedded);
    assert.ok(!JSON.stringify(plan.configChanges).includes("old"));
  });

  for (const [name, recorded, here, expected] of [
    ["another commit", {}, { commit: "def", changed: [] }, "other-commit"],
    ["no repository here", {}, { changed: [] }, "other-commit"],
    ["its files were changed here", {}, { ...program, changed: ["index.ts"] }, "changed-here"],
    ["nobody recorded it", { commit: undefined }, program, "unrecorded"],
    [
      "the engine called it dirty, which stack files are enough for",
      { dirty: true },
      program,
      undefined,
    ],
  ] as const) {
    it(`knows whether the program is another one: ${name}`, () => {
      const { commit, ...rest } = { ...update(1, embedded), ...recorded };
      const updates = [commit === undefined ? rest : { ...rest, commit }];
      const plan = planRollback({ updates, config: moved, to: 1, program: here });
      assert.equal(plan.otherProgram, expected);
    });
  }

  it("refuses an update that is not there, failed, or removed the stack, in two sentences", () => {
    const updates = [
      update(1, embedded),
      update(2, moved, { succeeded: false }),
      update(3, moved, { kind: "destroy" }),
    ];
    for (const to of [2, 3, 9])
      assert.match(
        refusalOf(() => planRollback({ updates, config: moved, program, to })),
        /^[^\n]+\n[^\n]+: 1\.$/,
      );
    assert.match(
      refusalOf(() => planRollback({ updates: [update(1, moved)], config: moved, program })),
      /no successful update with another configuration/,
    );
  });
});

describe("history", () => {
  it("has the generation at each update's end, and says which update moved rows", () => {
    const run = (generation: number, committedAt: string): never =>
      ({ generation, committedAt }) as never;
    const updates = [update(1, embedded), update(2, moved), update(3, moved)];
    const listed = listUpdates(updates, [run(1, "2026-01-01T00:02:10Z")]);
    assert.deepEqual(
      listed.map(({ version, generation, moved: here }) => [version, generation, here]),
      [
        [3, 1, false],
        [2, 1, true],
        [1, 0, false],
      ],
    );
    assert.deepEqual(
      listed[1]?.configChanges.map(({ path }) => path),
      ["p:s.a.T", "p:s.b.T", "p:target"],
    );
    assert.equal(listUpdates(updates, undefined)[0]?.generation, undefined);
  });
});
