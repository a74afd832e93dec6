import assert from "node:assert/strict";

import { type CutoverInputs, readLedgerStep, runCutoverStep } from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";

import { modernServer, olderServer } from "../support/era-servers";
import { stopTestServer } from "../support/postgres";
import { closeServers, type TestServer } from "../unit/mcp-probe/servers";
import { meta, rowSpec, studioDatabase, studioSpec } from "./row-cutover/support";

const consumers = {
  older: { name: "web", labels: {}, protocols: ["2025-03-26", "2025-06-18"] },
  modern: { name: "executor", labels: {}, protocols: ["2026-07-28"] },
};

describe("a cutover between eras of the protocol (issue 18, item 10)", () => {
  let legacy: Awaited<ReturnType<typeof studioDatabase>>;
  const credentials = (): { databaseUrl: string } => ({ databaseUrl: legacy.db.connectionString });

  beforeEach(async () => {
    legacy = await studioDatabase({ schema: "jsonb" });
  });
  afterEach(async () => {
    await closeServers();
    await legacy.drop();
  });
  after(stopTestServer);

  function inputs(server: TestServer, ...who: CutoverInputs["probe"]["consumers"]): CutoverInputs {
    return {
      target: "in-cluster",
      spec: studioSpec({
        rows: [rowSpec("github", { url: server.url })],
        deferred: ["google-workspace", "llmctl-mcp", "atlassian", "jira", "chroma", "google-cloud"],
      }),
      meta,
      probe: { from: "here", namespace: "tools", consumers: who, deadlineSeconds: 5 },
      targets: [{ name: "github", url: server.url }],
      kubernetes: {},
      database: { connect: "direct", tls: "disable" },
    };
  }

  async function refused(step: CutoverInputs, why: RegExp): Promise<void> {
    const before = await legacy.snapshot();
    await assert.rejects(
      () => runCutoverStep(step, credentials()),
      (error) => {
        assert.ok(isUserError(error));
        assert.match(error.problem, why);
        assert.match(error.problem, /so rows and application are untouched/);
        assert.match(error.fix, /list it in protocols of the consumer/);
        return true;
      },
    );
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal(await readLedgerStep(step, credentials()), undefined);
  }

  async function agreed(step: CutoverInputs, version: string): Promise<void> {
    const { generation, probes } = await runCutoverStep(step, credentials());
    assert.equal(generation, 1);
    assert.deepEqual(
      probes.map(({ outcome, protocolVersion }) => [outcome, protocolVersion]),
      [["ok", version]],
    );
    const ledger = await readLedgerStep(step, credentials());
    assert.deepEqual(ledger?.protocols, { github: { here: version } });
  }

  it("an older consumer and a server of 2026-07-28 alone: refused before the rows", async () => {
    const step = inputs(await modernServer("reject"), consumers.older);
    await refused(step, /speaks MCP 2026-07-28, and its client only 2025-03-26, 2025-06-18/);
  });

  it("a consumer of 2026-07-28 alone and an older server: refused before the rows", async () => {
    const step = inputs(await olderServer(), consumers.modern);
    await refused(step, /speaks MCP 2025-11-25, and its client only 2026-07-28/);
  });

  it("an older consumer and an older server: what they agreed on is recorded", async () => {
    await agreed(inputs(await olderServer(), consumers.older), "2025-06-18");
  });

  it("a consumer and a server of 2026-07-28: what they agreed on is recorded", async () => {
    await agreed(inputs(await modernServer("reject"), consumers.modern), "2026-07-28");
  });

  it("one consumer that shares no version is enough to refuse, and is named", async () => {
    const step = inputs(await modernServer("reject"), consumers.older, consumers.modern);
    await refused(step, /\[here \(web\)\] github: .* speaks MCP 2026-07-28, and its client only/);
  });

  it("a server of both eras gives each consumer its own version", async () => {
    const step = inputs(await modernServer("stateless"), consumers.older, consumers.modern);
    await runCutoverStep(step, credentials());
    const ledger = await readLedgerStep(step, credentials());
    assert.deepEqual(ledger?.protocols, {
      github: { "here (web)": "2025-06-18", "here (executor)": "2026-07-28" },
    });
  });
});
