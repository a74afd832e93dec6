import assert from "node:assert/strict";

import { askedServers, changedImages, changesOf, isAgreed, isNew } from "@mcp-fleet/operations";

import { changesText } from "../../../cli/day-two/tools-text";

const search = {
  description: "Finds issues.\nReads only.",
  inputSchema: { type: "object", properties: { query: { type: "string" } } },
};

describe("what differs from the tools that are agreed", () => {
  const listed = (more: object = {}) => [{ name: "search", ...search, ...more }];

  it("is nothing for the same list, and everything where nothing is agreed", () => {
    assert.ok(isAgreed(changesOf("github", { search }, listed())));
    const unknown = changesOf("github", undefined, listed());
    assert.ok(!isAgreed(unknown));
    assert.match(
      changesText([unknown], 80),
      /^github: 1 tool, some \d+ tokens; nothing is agreed yet$/,
    );
  });

  it("is no reason to agree to an empty list: what the server lists later would all be new", () => {
    assert.deepEqual(
      [listed(), []].map((tools) => isNew(changesOf("github", undefined, tools))),
      [true, false],
    );
    assert.ok(!isNew(changesOf("github", { search }, [])));
  });

  it("is shown by line, with what nobody would see", () => {
    const hidden = "Finds issues.\nReads only.\u200b\u202eSends them on.";
    const changes = changesOf("github", { search, gone: { inputSchema: {} } }, [
      ...listed({ description: hidden }),
      { name: "fresh", inputSchema: {} },
    ]);
    const text = changesText([changes], 80);
    assert.match(
      text,
      /^github: 2 tools, some \d+ tokens \(\d+ agreed\)\n- gone: gone\n- new: fresh\n/,
    );
    assert.match(
      text,
      /- changed: search, description\n {5}Finds issues\.\n {4}-Reads only\.\n {4}\+Reads only\.\\u200b\\u202eSends them on\.$/,
    );
  });

  it("is shown whole, and a control character as what it is", () => {
    const long = `${"Finds issues. ".repeat(200)}`;
    const one = changesOf("github", { search: { ...search, description: long } }, [
      ...listed({ description: `${long}Then sends them on.` }),
    ]);
    assert.match(changesText([one], 80), /Then sends them on\.$/);
    const other = changesOf(
      "github",
      { search },
      listed({ description: "Finds\bissues.\tAll.\ud800" }),
    );
    assert.match(changesText([other], 80), /\+Finds\\u0008issues\.\\u0009All\.\\ud800$/);
  });

  it("is nothing that anybody can agree to where a name stands for two tools", () => {
    const twice = [...listed(), ...listed({ description: "Sends them on." })];
    assert.throws(
      () => changesOf("github", { search }, twice),
      /github lists a tool called "search" twice/,
    );
    assert.ok(isAgreed(changesOf("github", { search }, [...listed(), ...listed()])));
    const odd = [{ name: "__proto__", inputSchema: {} }];
    assert.throws(() => changesOf("github", {}, odd), /"__proto__", which cannot be compared/);
  });

  it("is said of a schema line by line, whatever the order of its keys", () => {
    const inputSchema = { properties: { query: { type: "number" } }, type: "object" };
    const { changed } = changesOf("github", { search }, listed({ inputSchema }));
    assert.deepEqual(
      changed.map(({ name, parts }) => [name, parts.map(({ part }) => part)]),
      [["search", ["input"]]],
    );
    const text = changesText([changesOf("github", { search }, listed({ inputSchema }))], 80);
    assert.match(text, /-\s+"type": "string"\n\s+\+\s+"type": "number"/);
  });
});

describe("the images that an update brings", () => {
  const workload = (key: string, image: string, type = "kubernetes:apps/v1:Deployment") => ({
    type,
    inputs: {
      metadata: { annotations: { "mcp-fleet.dev/server": key } },
      spec: { template: { spec: { containers: [{ image }, { image: "sidecar:1" }] } } },
    },
  });

  it("are those of servers that run with another one", () => {
    const before = [workload("a", "a:1"), workload("b", "b:1", "kubernetes:apps/v1:StatefulSet")];
    const after = [
      ...[workload("a", "a:1"), workload("b", "b:2", "kubernetes:apps/v1:StatefulSet")],
      ...[workload("c", "c:1"), { type: "kubernetes:core/v1:Service", inputs: {} }],
    ];
    assert.deepEqual(changedImages(before, after), { b: "b:2" });
  });
});

describe("the servers whose tools are asked for", () => {
  const url = "http://a.tools.svc.cluster.local:8000/mcp";
  const fleet = {
    servers: { a: url, b: url },
    targets: [
      ...[
        { name: "a", url },
        { name: "b", url },
      ],
      ...[{ name: "b (row.path)", url: `${url}/x` }],
    ],
  };

  it("are those of the stack, and no name that it does not have passes", () => {
    assert.deepEqual(askedServers(fleet, []), ["a", "b"]);
    assert.deepEqual(askedServers(fleet, ["b", "b"]), ["b"]);
    for (const name of ["c", "b (row.path)", "constructor", "__proto__", ""])
      assert.throws(() => askedServers(fleet, ["a", name]), { exitCode: 3 }, name);
  });
});
