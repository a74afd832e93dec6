import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { CutoverInputs } from "@mcp-fleet/cutover-runner";
import { specHash } from "@mcp-fleet/row-cutover";

import { meta, studioSpec } from "../database/row-cutover/support";
import { initialized, json, serve, type TestServer } from "../unit/mcp-probe/servers";

export const fixtureDirectory = join(__dirname, "..", "..", "..", "test", "fixtures", "state");

/** Releases whose state is kept. */
export function fixtureReleases(): string[] {
  return readdirSync(fixtureDirectory).filter((name) => /^\d+\.\d+\.\d+$/.test(name));
}

/** A resource of a stack as `pulumi stack export` writes it. */
interface ExportedResource {
  readonly type: string;
  readonly id?: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

/** A kept state and its two dynamic resources. */
export interface FixtureState {
  readonly text: string;
  readonly cutover: ExportedResource;
  readonly settle: ExportedResource;
}

/**
 * The state that a release left, for servers that are at `url` today. That is all that is changed in it: the address
 * of the day it was written, and the hash of the plan, which covers the address.
 */
export function fixtureState(release: string, url: string): FixtureState {
  const kept = parsed(readFileSync(join(fixtureDirectory, release, "stack.json"), "utf8"));
  const before = inputsOf(kept);
  const address = before.targets[0]?.url ?? assert.fail("the state names no server");
  const moved = parsed(kept.text.replaceAll(address, url));
  const hashes = [before, inputsOf(moved)].map(({ spec, target }) => specHash(spec, target));
  const [hash = "", hashHere = ""] = hashes;
  assert.equal(kept.cutover.inputs.specHash, hash, "today's hash of a plan is the release's");
  return parsed(moved.text.replaceAll(hash, hashHere));
}

/** What the program of this state was configured with. */
export const inputsOf = ({ cutover }: FixtureState): CutoverInputs =>
  cutover.inputs as unknown as CutoverInputs;

function parsed(text: string): FixtureState {
  const { deployment } = JSON.parse(text) as { deployment: { resources: ExportedResource[] } };
  const find = (kind: string): ExportedResource =>
    deployment.resources.find(({ type }) => type.endsWith(`:${kind}`)) ??
    assert.fail(`no ${kind} in the state`);
  return { text, cutover: find("Cutover"), settle: find("Settle") };
}

/** One MCP server for every row of the fixtures. Closed by `closeServers`. */
export function stubServer(): Promise<TestServer> {
  return serve((seen, _req, res) => {
    const { id, method } = seen.body ?? {};
    if (id === undefined) return res.writeHead(202).end();
    if (method === "initialize") return json(res, initialized(id));
    return json(res, {
      jsonrpc: "2.0",
      id,
      result: { tools: [{ name: "search", inputSchema: { type: "object" } }] },
    });
  });
}

/**
 * What the fixtures' program is configured with.
 * @param url where all servers are
 */
export function fixtureInputs(target: CutoverInputs["target"], url: string): CutoverInputs {
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
