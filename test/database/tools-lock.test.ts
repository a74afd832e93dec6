import assert from "node:assert/strict";

import { type CutoverInputs, readLedgerStep, runCutoverStep } from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";
import {
  digestOf,
  lockHash,
  probe,
  type ToolDefinition,
  type ToolLock,
} from "@mcp-fleet/mcp-probe";

import { olderServer } from "../support/era-servers";
import { stopTestServer } from "../support/postgres";
import { closeServers } from "../unit/mcp-probe/servers";
import { meta, rowSpec, studioDatabase, studioSpec } from "./row-cutover/support";

describe("a cutover under a tools lock", () => {
  let legacy: Awaited<ReturnType<typeof studioDatabase>>;
  let url = "";
  let tools: readonly ToolDefinition[] = [];
  const credentials = (): { databaseUrl: string } => ({ databaseUrl: legacy.db.connectionString });

  beforeEach(async () => {
    legacy = await studioDatabase({ schema: "jsonb" });
    ({ url } = await olderServer());
    ({ definitions: tools = [] } = await probe({ name: "s", url }, { definitions: true }));
    assert.ok(tools.length > 0);
  });
  afterEach(async () => {
    await closeServers();
    await legacy.drop();
  });
  after(stopTestServer);

  const lockOf = (listed: readonly ToolDefinition[]): ToolLock => ({
    tools: Object.fromEntries(listed.map((tool) => [tool.name, digestOf(tool)])),
    additions: true,
  });
  const inputs = (lock?: ToolLock): CutoverInputs => ({
    target: "in-cluster",
    spec: studioSpec({
      rows: [rowSpec("github", { url })],
      deferred: ["google-workspace", "llmctl-mcp", "atlassian", "jira", "chroma", "google-cloud"],
    }),
    meta,
    probe: { from: "here", namespace: "tools", consumers: [], deadlineSeconds: 5 },
    ...targetsOf([{ name: "github", url, ...(lock === undefined ? {} : { lock }) }]),
    kubernetes: {},
    database: { connect: "direct", tls: "disable" },
  });
  const targetsOf = (targets: CutoverInputs["targets"]) => {
    const toolsLock = lockHash(targets);
    return { targets, ...(toolsLock === undefined ? {} : { toolsLock }) };
  };
  const run = (lock?: ToolLock) => runCutoverStep(inputs(lock), credentials());
  const recorded = async (): Promise<string | undefined> =>
    (await readLedgerStep(inputs(), credentials()))?.toolsLock;
  const reworded = (): ToolLock =>
    lockOf(tools.map((tool) => ({ ...tool, description: "Sends it on." })));

  it("stops before the rows where a server lists something else, and says what", async () => {
    const before = await legacy.snapshot();
    await assert.rejects(
      () => run(reworded()),
      (error) => {
        assert.ok(isUserError(error));
        assert.match(error.problem, /has changed \w+ \(description\).*, against the tools lock/);
        assert.match(error.problem, /so rows and application are untouched/);
        return true;
      },
    );
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal(await readLedgerStep(inputs(), credentials()), undefined);
  });

  it("asks again where only the lock has changed, and the ledger has the lock that holds", async () => {
    assert.equal((await run()).generation, 1);
    assert.equal(await recorded(), undefined);
    assert.equal((await run(lockOf(tools))).generation, 1);
    const first = await recorded();
    assert.match(first ?? "", /^[0-9a-f]{64}$/);
    await assert.rejects(() => run(reworded()), /against the tools lock/);
    assert.equal(await recorded(), first);
    await run(lockOf([]));
    assert.notEqual(await recorded(), first);
    await run();
    assert.equal(await recorded(), undefined);
  });

  it("has the ledger know what the servers list now, as verify compares with that", async () => {
    await run();
    await legacy.query(
      `update mcp_cutover.run set tools = '{"github": ["gone"], "other": ["kept"]}'`,
    );
    await run(lockOf(tools));
    const { tools: listed } = (await readLedgerStep(inputs(), credentials())) ?? {};
    assert.deepEqual(listed, { github: tools.map(({ name }) => name), other: ["kept"] });
  });

  it("records the lock of a run that writes rows", async () => {
    assert.equal((await run(lockOf(tools))).generation, 1);
    assert.match((await recorded()) ?? "", /^[0-9a-f]{64}$/);
  });
});
