import assert from "node:assert/strict";

import { planRows, readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";

import { customKey, secretMark } from "../../../lab/database/schema";
import { stopTestServer } from "../../support/postgres";
import { legacyDatabase, meta, studioSpec } from "./support";

after(stopTestServer);

for (const generation of ["jsonb", "text"] as const) {
  for (const atlassianKey of ["atlassian", "jira", "both"] as const) {
    describe(`rows in ${generation}, Atlassian under ${atlassianKey}`, () => {
      it("go to the cluster in one run and come back exactly", async () => {
        const legacy = await legacyDatabase({ generation, atlassianKey });
        const spec = studioSpec();
        const before = await legacy.everything();

        const forward = await runCutover(legacy.db, spec, "in-cluster", meta);
        assert.equal(forward.generation, 1);
        assert.equal(forward.counts.rewrite, 5);
        assert.equal(forward.counts.merge ?? 0, atlassianKey === "both" ? 1 : 0);
        const rows = await legacy.query<{ server_key: string; config: string; kind: string }>(
          "select server_key, config_json::text as config, server_type as kind from mcp_servers",
        );
        for (const row of rows.filter((candidate) => candidate.kind === "integrated")) {
          const wanted = spec.rows.find((candidate) => candidate.key === row.server_key);
          assert.deepEqual(JSON.parse(row.config), {
            url: wanted?.url,
            transport: "streamable-http",
          });
        }
        assert.match(
          rows.find((row) => row.server_key === customKey)?.config ?? "",
          /mcp-server-github/,
        );
        assert.equal((await settle(legacy.db, spec, 1)).removedFence, true);

        const back = await runCutover(legacy.db, spec, "embedded", meta);
        assert.equal(back.generation, 2);
        assert.equal(await legacy.everything(), before);
        await settle(legacy.db, spec, 2);

        const again = await runCutover(legacy.db, spec, "in-cluster", meta);
        assert.equal(again.generation, 3);
        await settle(legacy.db, spec, 3);
        await runCutover(legacy.db, spec, "embedded", meta);
        assert.equal(await legacy.everything(), before);
        await legacy.drop();
      });
    });
  }
}

describe("a second run", () => {
  it("writes nothing, in either direction", async () => {
    const legacy = await legacyDatabase({ generation: "jsonb" });
    const spec = studioSpec();
    const nothing = await runCutover(legacy.db, spec, "embedded", meta);
    assert.equal(nothing.generation, 0);
    assert.equal(await readLedger(legacy.db, spec), undefined);

    await runCutover(legacy.db, spec, "in-cluster", meta);
    const once = await legacy.everything();
    const repeated = await runCutover(legacy.db, spec, "in-cluster", meta);
    assert.equal(repeated.repeated, true);
    assert.equal(repeated.generation, 1);
    assert.equal(await legacy.everything(), once);

    await runCutover(legacy.db, spec, "embedded", meta);
    const undone = await legacy.everything();
    assert.equal((await runCutover(legacy.db, spec, "embedded", meta)).repeated, true);
    assert.equal(await legacy.everything(), undone);
    await legacy.drop();
  });

  it("is announced by the plan, which writes nothing and shows no credential", async () => {
    const legacy = await legacyDatabase({ generation: "text", atlassianKey: "both" });
    const spec = studioSpec();
    const before = await legacy.everything();
    const plan = await planRows(legacy.db, spec, "in-cluster");
    assert.equal(plan.noop, false);
    assert.equal(plan.generation, 1);
    assert.deepEqual(
      plan.changes.map((change) => `${change.action} ${change.key}: ${change.from}`),
      [
        "rewrite llmctl-mcp: stdio python3",
        "rewrite github: stdio mcp-server-github",
        "rewrite atlassian: stdio mcp-atlassian",
        "merge jira: stdio mcp-atlassian",
        "rewrite chroma: stdio python3",
        "rewrite google-cloud: stdio gcloud-mcp",
      ],
    );
    assert.doesNotMatch(JSON.stringify(plan), new RegExp(secretMark));
    assert.equal(await legacy.everything(), before);

    await runCutover(legacy.db, spec, "in-cluster", meta);
    assert.equal((await planRows(legacy.db, spec, "in-cluster")).noop, true);
    const undo = await planRows(legacy.db, spec, "embedded");
    assert.deepEqual([...new Set(undo.changes.map((change) => change.action))], ["restore"]);
    await legacy.drop();
  });
});
