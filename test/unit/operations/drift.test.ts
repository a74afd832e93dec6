import assert from "node:assert/strict";

import {
  type McpService,
  outputsAgainst,
  rowsAgainstServices,
  serviceAddress,
  servicesAgainstRows,
} from "@mcp-fleet/operations";
import type { RowEndpoint } from "@mcp-fleet/row-cutover";

const url = "http://github.apps.svc.cluster.local:8000/mcp";
const spec = {
  name: "p/s",
  rows: [{ key: "github", url, transport: "streamable-http" as const }],
};
const fleet = {
  target: "in-cluster",
  spec,
  servers: { github: url, plain: "http://plain.apps.svc.cluster.local:80/mcp" },
  targets: [{ name: "github", url }],
  probe: { from: "cluster", namespace: "apps", consumers: [] },
} as unknown as Parameters<typeof servicesAgainstRows>[0] &
  Parameters<typeof rowsAgainstServices>[0] &
  Parameters<typeof outputsAgainst>[0];

function services(...list: McpService[]): ReadonlyMap<string, McpService> {
  return new Map(list.map((one) => [one.name, one]));
}
function row(to: string | undefined, key = "github"): RowEndpoint[] {
  return [{ key, rows: 1, shown: to ?? "stdio x", ...(to === undefined ? {} : { url: to }) }];
}
const github = { name: "github", ports: [8000], readyPods: 1, servers: ["github"], carries: true };
const kinds = (found: readonly { kind: string; subject: string }[]): string[] =>
  found.map(({ kind, subject }) => `${kind}/${subject}`);

describe("drift between rows, Services and outputs", () => {
  const rowCases: [string, string | undefined, ReadonlyMap<string, McpService>, string[]][] = [
    ["nothing", url, services(github), []],
    ["a row without its Service", url, services(), ["row-without-service/github"]],
    ["another port", url.replace("8000", "9"), services(github), ["wrong-port/github"]],
    ["another path", `${url}/`, services(github), ["wrong-path/github"]],
    [
      "no pod behind it",
      url,
      services({ ...github, readyPods: 0 }),
      ["service-without-backends/github"],
    ],
    ["an address elsewhere is not ours to judge", "https://x.example/mcp", services(github), []],
    ["a row on stdio names no Service", undefined, services(github), []],
  ];
  for (const [name, to, there, expected] of rowCases) {
    it(`rows against Services: ${name}`, () => {
      assert.deepEqual(kinds(rowsAgainstServices(fleet, row(to), there)), expected);
    });
  }

  it("Services against rows: one that a row should name, one that nobody knows, one without a row by configuration", () => {
    const of = (name: string): McpService => ({ ...github, name, servers: [name] });
    const found = servicesAgainstRows(
      fleet,
      row("http://other.apps.svc.cluster.local:8000/mcp"),
      services(github, of("plain"), of("stray")),
    );
    assert.deepEqual(kinds(found), ["service-without-row/github", "service-without-row/stray"]);
  });

  it("a server's further Services are no servers: a row may name any of them, and none is missed", () => {
    const metrics = { ...github, name: "github-metrics", ports: [9090], carries: false };
    assert.deepEqual(kinds(servicesAgainstRows(fleet, row(url), services(github, metrics))), []);
    const other = { ...github, name: "github-pods", carries: false };
    const named = row(url.replace("github.", "github-pods."));
    assert.deepEqual(kinds(servicesAgainstRows(fleet, named, services(github, other))), []);
    const unnamed = servicesAgainstRows(fleet, row(undefined), services(github, metrics));
    assert.deepEqual(kinds(unnamed), ["service-without-row/github"]);
  });

  it("a Service of something else, or without selector, is not judged by pods that nobody can count", () => {
    const elsewhere: McpService = { name: "github", ports: [8000], servers: [], carries: false };
    assert.deepEqual(kinds(rowsAgainstServices(fleet, row(url), services(elsewhere))), []);
    assert.deepEqual(kinds(servicesAgainstRows(fleet, row(undefined), services(elsewhere))), []);
  });

  it("outputs: another generation, another target, another URL", () => {
    const ledger = { generation: 3, target: "in-cluster" as const };
    assert.deepEqual(outputsAgainst({ ...fleet, generation: 3 }, row(url), ledger), []);
    const found = outputsAgainst(
      { ...fleet, generation: 2, target: "embedded", servers: {} },
      row(undefined),
      ledger,
    );
    assert.deepEqual(kinds(found), [
      "output-differs/generation",
      "output-differs/target",
      "output-differs/github",
      "output-differs/github",
    ]);
  });

  it("another path is the application's own where it owns the URL, and nothing else is (issue 16, item 20)", () => {
    const ledger = { generation: 1, target: "in-cluster" as const };
    const rows = [{ ...spec.rows[0], applicationOwns: ["url"] as const }];
    const owning = { ...fleet, generation: 1, spec: { ...spec, rows } } as unknown as typeof fleet;
    const found = (of: typeof fleet, to: string): string[] =>
      kinds([
        ...rowsAgainstServices(of, row(to), services(github)),
        ...outputsAgainst({ ...of, generation: 1 }, row(to), ledger),
      ]);
    assert.deepEqual(found(fleet, `${url}/`), ["wrong-path/github", "output-differs/github"]);
    assert.deepEqual(found(owning, `${url}/`), []);
    assert.deepEqual(found(owning, url.replace("8000", "9")), [
      "wrong-port/github",
      "output-differs/github",
    ]);
    assert.deepEqual(found(owning, `${url}?token=x`), ["output-differs/github"]);
  });

  it("a row with another path than its server's is as it should be, and the export is the server's", () => {
    const ledger = { generation: 1, target: "in-cluster" as const };
    const rows = [{ ...spec.rows[0], url: `${url}/` }];
    const targets = [...fleet.targets, { name: "github (row.path)", url: `${url}/` }];
    const both = {
      ...fleet,
      targets,
      generation: 1,
      spec: { ...spec, rows },
    } as unknown as typeof fleet;
    const found = (of: typeof fleet, to: string): string[] =>
      kinds([
        ...rowsAgainstServices(of, row(to), services(github)),
        ...outputsAgainst(of, row(to), ledger),
      ]);
    assert.deepEqual(found(both, `${url}/`), []);
    assert.deepEqual(found(both, url), ["output-differs/github"]);
    assert.deepEqual(found({ ...both, servers: {} }, `${url}/`), ["output-differs/github"]);
  });

  it("reads Service addresses in their short and long forms only", () => {
    const address = { service: "github", port: 8000, path: "/mcp" };
    assert.deepEqual(serviceAddress(url, "apps"), address);
    assert.deepEqual(serviceAddress("http://github.apps:8000/mcp", "apps"), address);
    for (const other of ["http://github.other:8000/mcp", "http://github.apps.example.com/", "x"])
      assert.equal(serviceAddress(other, "apps"), undefined);
  });
});
