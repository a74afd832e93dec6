import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { CutoverInputs } from "@mcp-fleet/cutover-runner";

import { meta, studioSpec } from "../database/row-cutover/support";
import { initialized, json, serve, type TestServer } from "../unit/mcp-probe/servers";

/** Where the stub of all servers listens: fixtures name it, and a plan's hash covers it. */
const stubPort = 18_931;

export const fixtureDirectory = join(__dirname, "..", "..", "..", "test", "fixtures", "state");

/** Releases whose state is kept. */
export function fixtureReleases(): string[] {
  return readdirSync(fixtureDirectory).filter((name) => /^\d+\.\d+\.\d+$/.test(name));
}

/** A resource of a stack as `pulumi stack export` writes it. */
export interface ExportedResource {
  readonly type: string;
  readonly id?: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

/** The two dynamic resources of a kept state. */
export function fixtureState(release: string): {
  readonly text: string;
  readonly cutover: ExportedResource;
  readonly settle: ExportedResource;
} {
  const text = readFileSync(join(fixtureDirectory, release, "stack.json"), "utf8");
  const { deployment } = JSON.parse(text) as { deployment: { resources: ExportedResource[] } };
  const find = (kind: string): ExportedResource => {
    const found = deployment.resources.find(({ type }) => type.endsWith(`:${kind}`));
    if (found === undefined) throw new Error(`no ${kind} in the state of ${release}`);
    return found;
  };
  return { text, cutover: find("Cutover"), settle: find("Settle") };
}

/** One MCP server for every row of the fixtures. Closed by `closeServers`. */
export function stubServer(): Promise<TestServer> {
  return serve(
    (seen, _req, res) => {
      const { id, method } = seen.body ?? {};
      if (id === undefined) return res.writeHead(202).end();
      if (method === "initialize") return json(res, initialized(id));
      return json(res, { jsonrpc: "2.0", id, result: { tools: [{ name: "search" }] } });
    },
    "/mcp",
    stubPort,
  );
}

/** What the fixtures' program is configured with. */
export function fixtureInputs(target: CutoverInputs["target"]): CutoverInputs {
  const url = `http://127.0.0.1:${stubPort}/mcp`;
  const rows = studioSpec().rows.map((row) => ({ ...row, url }));
  return {
    target,
    spec: { ...studioSpec({ rows }), name: "state-fixture/fixture" },
    meta,
    probe: { from: "here", namespace: "fixture", consumers: [], deadlineSeconds: 5 },
    targets: [{ name: "all", url }],
    kubernetes: {},
    database: { connect: "direct", tls: "disable" },
  };
}
