import assert from "node:assert/strict";

import { configurationReference } from "../../../docs/build/configuration";

describe("the reference of the configuration", () => {
  const rows = configurationReference()
    .split("\n")
    .flatMap((line) => {
      const [, path] = /^\| `([^`]+)` \|/.exec(line) ?? [];
      return path === undefined ? [] : [{ path, line }];
    });
  const row = (path: string): string => rows.find((one) => one.path === path)?.line ?? "";

  it("says each key once, with an example", () => {
    const paths = rows.map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path, index) => paths.indexOf(path) !== index),
      [],
    );
    assert.deepEqual(
      rows.filter(({ line }) => !/ Example: `.+` \|$/.test(line)).map(({ path }) => path),
      [],
    );
  });

  it("explains what is used in several places in the first, and leads there from the others", () => {
    for (const [path, at] of [
      ["servers.<key>.initContainers", "servers.<key>.sidecars[]"],
      ["servers.<key>.sidecars[].env", "servers.<key>.env"],
      ["servers.<key>.probes.liveness", "servers.<key>.probes.startup"],
      ["mesh.agents.<key>.egress", "servers.<key>.egress"],
      ["studio.resources", "servers.<key>.resources"],
      ["forbidden", "allowed"],
    ] as const) {
      assert.ok(row(path).includes(`Its parts are explained at \`${at}\`.`), row(path));
      assert.deepEqual(
        rows.filter((one) => one.path.startsWith(`${path}.`)),
        [],
      );
    }
    for (const { line } of rows) {
      const [, at] = /explained at `([^`]+)`/.exec(line) ?? [];
      assert.ok(at === undefined || rows.some(({ path }) => path.startsWith(at)), line);
    }
  });

  it("names the forms of a value by what they need", () => {
    assert.ok(
      row("servers.<key>.files").includes("(string or `{secret, key}` or `{configMap, key}`)"),
    );
    assert.ok(row("servers.<key>.args").includes("list of text"));
    assert.ok(row("mesh.registry.storage").includes("`{sqlite}` or `{postgresql}` or `{managed}`"));
  });
});
