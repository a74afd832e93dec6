import assert from "node:assert/strict";

import type { V1Node, V1Service } from "@kubernetes/client-node";
import { findServers, type FoundServer, keyAnnotation, pathAnnotation } from "@mcp-fleet/cluster";
import type { Kube } from "@mcp-fleet/kube";

/** A cluster that answers with one Service and one node. */
async function found(
  path: string | undefined,
  service: Partial<V1Service> = {},
  address = "203.0.113.7",
): Promise<FoundServer | undefined> {
  const annotations: Record<string, string> = path === undefined ? {} : { [pathAnnotation]: path };
  const items: V1Service[] = [
    { metadata: { name: "clock", annotations }, spec: { ports: [{ port: 8080 }] }, ...service },
  ];
  const nodes: V1Node[] = [{ status: { addresses: [{ type: "InternalIP", address }] } }];
  const core = {
    listNamespacedService: () => Promise.resolve({ items }),
    listNode: () => Promise.resolve({ items: nodes }),
  };
  return (await findServers({ core } as unknown as Kube, "apps"))[0];
}

describe("the address of an MCP server (issue 16, item 9)", () => {
  it("has the annotation's path behind the Service's own host, whatever the path is", async () => {
    for (const path of ["/mcp", "/", "/a/b-c_d~e/@evil.example/mcp", "//evil.example/mcp", "/%20"])
      assert.equal(
        (await found(path))?.inCluster,
        `http://clock.apps.svc.cluster.local:8080${path}`,
      );
    assert.match((await found(undefined))?.inCluster ?? "", /:8080\/mcp$/);
  });

  it("is refused for an annotation that is no path, in two sentences that show what it is", async () => {
    for (const path of [
      ...["@evil.example/mcp", "", "mcp", ".evil.example/mcp", "0/mcp", "/a?b", "/a#b", "/a b"],
      ...["/\\evil", "/a\n", "/\u001b[31m", "/\u202e", "/é", "/%", "/%zz", `/${"a".repeat(2000)}`],
    ])
      await assert.rejects(found(path), /Service apps\/clock is no path: .*\n.*kubectl annotate/);
  });

  it("has no part from outside that is no host", async () => {
    const spec = { type: "NodePort", ports: [{ port: 8080, nodePort: 31000 }] };
    assert.equal((await found("/mcp", { spec }))?.outside, "http://203.0.113.7:31000/mcp");
    assert.equal(
      (await found("/mcp", { spec }, "2001:db8::1"))?.outside,
      "http://[2001:db8::1]:31000/mcp",
    );
    for (const host of ["evil.example/x", "a@evil.example", "a:80", "a b", "", "\u001b"])
      assert.equal((await found("/mcp", { spec }, host))?.outside, undefined, host);
  });
});

describe("the name of an MCP server for its clients", () => {
  const namesOf = async (services: [string, string | undefined][]): Promise<string[]> => {
    const items = services.map(([name, key]): V1Service => ({
      metadata: { name, ...(key === undefined ? {} : { annotations: { [keyAnnotation]: key } }) },
      spec: { ports: [{ port: 8080 }] },
    }));
    const core = { listNamespacedService: () => Promise.resolve({ items }) };
    return (await findServers({ core } as unknown as Kube, "apps")).map(({ name }) => name);
  };

  it("is its key in the stack, else its Service's", async () => {
    assert.deepEqual(await namesOf([["weather-mcp", "weather"]]), ["weather"]);
    assert.deepEqual(await namesOf([["theirs", undefined]]), ["theirs"]);
    assert.deepEqual(await namesOf([["x", "no key at all\u001b"]]), ["x"]);
  });

  it("is its Service's where the key is one of two, or another Service's name", async () => {
    const two: [string, string][] = [
      ["a-mcp", "a"],
      ["b-mcp", "a"],
    ];
    assert.deepEqual(await namesOf(two), ["a-mcp", "b-mcp"]);
    const taken: [string, string | undefined][] = [
      ["a-mcp", "b"],
      ["b", undefined],
    ];
    assert.deepEqual(await namesOf(taken), ["a-mcp", "b"]);
  });
});
