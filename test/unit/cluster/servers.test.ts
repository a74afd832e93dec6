import assert from "node:assert/strict";

import type { V1Service } from "@kubernetes/client-node";
import { addressesOf, type FoundServer, keyAnnotation, pathAnnotation } from "@mcp-fleet/cluster";
import { authorityOf, authorityText, caAnnotation, serversOf } from "@mcp-fleet/kube";

import { serverWorkload } from "../../support/servers";

/** The only server of a namespace with one Service and one node. */
function found(
  path: string | undefined,
  spec: Partial<V1Service["spec"]> = {},
  address = "203.0.113.7",
): FoundServer | undefined {
  const annotations: Record<string, string> = path === undefined ? {} : { [pathAnnotation]: path };
  const service: V1Service = {
    metadata: { name: "clock", namespace: "apps", annotations },
    spec: { selector: { app: "clock" }, ports: [{ port: 8080 }], ...spec },
  };
  const workload = serverWorkload({ name: "clock", namespace: "apps", labels: { app: "clock" } });
  const nodes = [{ status: { addresses: [{ type: "InternalIP", address }] } }];
  return addressesOf(serversOf([workload], [service]), nodes).servers[0];
}

describe("the address of an MCP server (issue 16, item 9)", () => {
  it("has the annotation's path behind the Service's own host, whatever the path is", () => {
    for (const path of ["/mcp", "/", "/a/b-c_d~e/@evil.example/mcp", "//evil.example/mcp", "/%20"])
      assert.equal(found(path)?.inCluster, `http://clock.apps.svc.cluster.local:8080${path}`);
    assert.match(found(undefined)?.inCluster ?? "", /:8080\/mcp$/);
  });

  it("is refused for an annotation that is no path, in two sentences that show what it is", () => {
    for (const path of [
      ...["@evil.example/mcp", "", "mcp", ".evil.example/mcp", "0/mcp", "/a?b", "/a#b", "/a b"],
      ...["/\\evil", "/a\n", "/\u001b[31m", "/\u202e", "/é", "/%", "/%zz", `/${"a".repeat(2000)}`],
    ])
      assert.throws(
        () => found(path),
        /Service apps\/clock has an annotation \S+ that is no path: .*\n.*kubectl annotate/,
      );
  });

  it("has no part from outside that is no host", () => {
    const spec = { type: "NodePort", ports: [{ port: 8080, nodePort: 31000 }] };
    assert.equal(found("/mcp", spec)?.outside, "http://203.0.113.7:31000/mcp");
    assert.equal(found("/mcp", spec, "2001:db8::1")?.outside, "http://[2001:db8::1]:31000/mcp");
    for (const host of ["evil.example/x", "a@evil.example", "a:80", "a b", "", "\u001b"])
      assert.equal(found("/mcp", spec, host)?.outside, undefined, host);
  });
});

describe("an MCP server that serves TLS", () => {
  it("has an https address by its port's appProtocol or name, whatever other ports there are", () => {
    const url = "https://clock.apps.svc.cluster.local:8443/mcp";
    const other = { name: "web", port: 80 };
    for (const port of [
      { name: "http", port: 8443, appProtocol: "https" },
      { name: "https", port: 8443 },
    ])
      assert.equal(found(undefined, { ports: [port] })?.inCluster, url, port.name);
    const ports = [{ name: "http", port: 8443, appProtocol: "https" }, other];
    assert.equal(found(undefined, { ports })?.inCluster, url);
    const nodePort = { type: "NodePort", ports: [{ ...ports[0], port: 8443, nodePort: 31000 }] };
    assert.equal(found(undefined, nodePort)?.outside, "https://203.0.113.7:31000/mcp");
  });

  it("names its authority on its Service, and nothing else is taken for one", () => {
    const service = (text: string): V1Service => ({
      metadata: { annotations: { [caAnnotation]: text } },
    });
    for (const from of [
      { configMap: "corp-ca", key: "ca.crt" },
      { secret: "tools.tls", key: "ca.crt" },
    ])
      assert.deepEqual(authorityOf(service(authorityText(from))), from);
    for (const text of ["", "secret/x", "pod/x/y", "secret/../x", "secret/X/y", "secret/x/y/z"])
      assert.equal(authorityOf(service(text)), undefined, text);
  });
});

describe("the name of an MCP server, for its clients and for every verb", () => {
  const namesOf = (workloads: [string, string | undefined][]): string[] => {
    const servers = workloads.map(([name, key]) =>
      serverWorkload({
        ...{ name, namespace: "apps", labels: { app: name } },
        ...(key === undefined ? {} : { annotations: { [keyAnnotation]: key } }),
      }),
    );
    const services = workloads.map(([name]): V1Service => ({
      metadata: { name: `${name}-svc`, namespace: "apps" },
      spec: { selector: { app: name }, ports: [{ port: 8080 }] },
    }));
    const known = serversOf(servers, services);
    const forClients = addressesOf(known, []).servers.map(({ name }) => name);
    assert.deepEqual(
      known.map(({ name }) => name),
      forClients,
    );
    return forClients;
  };

  it("is its key in the stack, else its workload's", () => {
    assert.deepEqual(namesOf([["weather-mcp", "weather"]]), ["weather"]);
    assert.deepEqual(namesOf([["theirs", undefined]]), ["theirs"]);
    assert.deepEqual(namesOf([["x", "no key at all\u001b"]]), ["x"]);
  });

  it("is its workload's where the key is one of two, or another workload's name", () => {
    const two: [string, string][] = [
      ["a-mcp", "a"],
      ["b-mcp", "a"],
    ];
    assert.deepEqual(namesOf(two), ["a-mcp", "b-mcp"]);
    const taken: [string, string | undefined][] = [
      ["a-mcp", "b"],
      ["b", undefined],
    ];
    assert.deepEqual(namesOf(taken), ["a-mcp", "b"]);
  });
});
