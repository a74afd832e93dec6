import assert from "node:assert/strict";

import { readCredentials, runCutover } from "@mcp-fleet/row-cutover";

import { legacyEnvironments } from "../../../lab/database/schema";
import { meta, studioDatabase, studioSpec } from "./support";

/** The configuration before an import: it names no credential. */
const spec = studioSpec({ rows: studioSpec().rows.map((row) => ({ ...row, secretKeys: [] })) });

for (const schema of ["text", "jsonb"] as const) {
  for (const atlassianKey of ["atlassian", "jira", "both"] as const) {
    it(`readCredentials: what a run would refuse to lose, ${schema}, key ${atlassianKey} (S35)`, async () => {
      const database = await studioDatabase({ schema, atlassianKey });
      try {
        const before = await database.snapshot();
        const refusal = await runCutover(database.db, spec, "in-cluster", meta).then(
          () => "",
          (error: unknown) => String(error),
        );
        const found = await readCredentials(database.db, spec);
        const env = legacyEnvironments();
        assert.deepEqual(found, [
          {
            key: "github",
            env: {
              GITHUB_PERSONAL_ACCESS_TOKEN: env.github?.GITHUB_PERSONAL_ACCESS_TOKEN,
            },
          },
          {
            key: "atlassian",
            env: {
              JIRA_API_TOKEN: env.atlassian?.JIRA_API_TOKEN,
              CONFLUENCE_API_TOKEN: env.atlassian?.CONFLUENCE_API_TOKEN,
            },
          },
        ]);
        for (const name of found.flatMap((row) => Object.keys(row.env)))
          assert.ok(refusal.includes(name), name);

        // With exactly these names configured, the run succeeds and nothing remains to be imported.
        const imported = studioSpec({
          rows: spec.rows.map((row) => ({
            ...row,
            secretKeys: Object.keys(found.find(({ key }) => key === row.key)?.env ?? {}),
          })),
        });
        assert.deepEqual(await database.snapshot(), before);
        await runCutover(database.db, imported, "in-cluster", meta);
        assert.deepEqual(await readCredentials(database.db, imported), []);
      } finally {
        await database.drop();
      }
    });
  }
}

it("readCredentials takes configured names that do not look like a credential, and no empty value or path", async () => {
  const database = await studioDatabase({ schema: "jsonb" });
  try {
    await database.query(
      `update mcp_servers set config_json = '{"command": "x", "env": {"PLAIN": "p", "OTHER": "o", "A_TOKEN": "", "B_TOKEN": "/etc/token"}}' where server_key = 'chroma'`,
    );
    const rows = studioSpec().rows.filter(({ key }) => key === "chroma");
    const [row] = rows;
    assert.ok(row !== undefined);
    const found = await readCredentials(
      database.db,
      studioSpec({ rows: [{ ...row, secretKeys: ["PLAIN"] }] }),
    );
    assert.deepEqual(found, [{ key: "chroma", env: { PLAIN: "p" } }]);
  } finally {
    await database.drop();
  }
});
