import assert from "node:assert/strict";

import type { RowSpec } from "@mcp-fleet/row-cutover";
import { conversionProblem } from "@mcp-fleet/row-cutover/dist/decide/conversion";
import { credentialsOf, looksSecret } from "@mcp-fleet/row-cutover/dist/decide/credentials";
import {
  isDeeper,
  isEmbedded,
  parseDocument,
  readText,
} from "@mcp-fleet/row-cutover/dist/decide/document";
import { setColumns } from "@mcp-fleet/row-cutover/dist/decide/layout";
import { isOwn } from "@mcp-fleet/row-cutover/dist/decide/rows";
import { isTarget, keptKeys, targetJson } from "@mcp-fleet/row-cutover/dist/decide/target-document";
import { suspect } from "@mcp-fleet/row-cutover/dist/postgres/check-documents";
import {
  afterTextSql,
  differingColumnsSql,
  isEmbeddedSql,
  isPlainSql,
  isTargetSql,
  isWrittenSql,
  looksSecretSql,
  maybeDeepSql,
  mayHoldCredentialsSql,
  plainContentSql,
  specColumns,
  specRecord,
} from "@mcp-fleet/row-cutover/dist/postgres/documents-sql";
import { literal } from "@mcp-fleet/row-cutover/dist/postgres/identifiers";
import { isOwnSql } from "@mcp-fleet/row-cutover/dist/postgres/rows";
import type { TableShape } from "@mcp-fleet/row-cutover/dist/postgres/table";
import fc from "fast-check";
import { Client } from "pg";

import { onEachPostgres } from "../../support/postgres";
import { tenantsSpec } from "./tenants";

type ConfigType = "text" | "json" | "jsonb";
type Content = Record<string, unknown>;

/** The JSON form, without the prototypes that fast-check varies. */
function plainObject<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const ours = "http://mcp-a.ai.svc.cluster.local:8000/mcp";
const text = fc
  .string({ unit: fc.constantFrom(..."abT_ \"'\\/:={}[]$é\u2028😀"), maxLength: 8 })
  .filter((one) => !one.includes("\0"));
const secretNames = [
  ...["API_KEY", "api-key", "GITHUB_TOKEN", "PAT", "COMPAT", "KEYS", "DB_PASSWORD", "password"],
  ...["x_auth", "AUTHOR", "MONKEY", "credentials", "PRIVATEKEY", "pwd", "HOST"],
];
const name = fc.oneof(text, fc.constantFrom(...secretNames));
const scalar = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
const env = fc.oneof(
  fc.dictionary(name, fc.oneof(scalar, fc.constantFrom("", "/etc/key", "postgres://u:p@h/d"))),
  fc.array(fc.oneof(text, fc.constant("API_TOKEN=x"), fc.record({ name, value: scalar }))),
  scalar,
);
const word = fc.oneof(
  text,
  fc.constantFrom("--api-key", "--token=x", "PGPASSWORD=x", "Authorization: Bearer x", "--host"),
);
const headers = fc.dictionary(fc.constantFrom("Authorization", "X-Key", "Accept"), text);
const url = fc.oneof(
  fc.constantFrom(
    ...[ours, `${ours}/`, `${ours}?a=1`, `${ours}#f`, ours.replace("/mcp", ""), ours.toUpperCase()],
    ...[
      ours.replace("8000", "80001"),
      ours.replace("http", "https"),
      `${ours}/a b`,
      `${ours}/%2f~`,
    ],
    ...["http://u:p@mcp-a.ai.svc.cluster.local:8000/mcp", "http://x/?token=abcdef", "é"],
  ),
  text.map((path) => `http://mcp-a.ai.svc.cluster.local:8000${path}`),
  scalar,
);
/** Any content of a row: documents for a process, ours, and modifications of them. */
const content: fc.Arbitrary<Content> = fc
  .tuple(
    fc.record(
      {
        command: fc.oneof(text, fc.constant("API_KEY=x run")),
        args: fc.oneof(fc.array(word), scalar),
        env,
        cwd: scalar,
        url,
        transport: fc.oneof(fc.constant("streamable-http"), scalar),
        headers: fc.oneof(headers, scalar),
        timeout: fc.oneof(scalar, fc.array(scalar), fc.dictionary(name, scalar)),
        mcp_servers: fc.oneof(scalar, fc.dictionary(text, fc.constant({ command: "x" }))),
      },
      { requiredKeys: [] },
    ),
    fc.dictionary(name, scalar, { maxKeys: 2 }),
  )
  .map(([known, other]) => plainObject({ ...other, ...known }));
/** What the application writes of a run's document, or nearly that. */
const nearTarget = (row: RowSpec): fc.Arbitrary<Content> =>
  content.map((one) => ({
    ...(JSON.parse(targetJson(row)) as Content),
    ...Object.fromEntries(Object.entries(one).slice(0, 2)),
  }));
const rows: fc.Arbitrary<RowSpec> = fc
  .record({
    headers: fc.option(headers, { nil: undefined }),
    keep: fc.constantFrom(undefined, "all" as const, ["timeout"], ["env", "url", "a"]),
    owns: fc.boolean(),
    set: fc.option(fc.dictionary(fc.constantFrom("label", "kind"), fc.option(text)), {
      nil: undefined,
    }),
  })
  .map(({ headers: some, keep, owns, set }) =>
    plainObject({
      ...{ key: "a", url: ours, transport: "streamable-http" as const },
      ...(some === undefined ? {} : { headers: some }),
      ...(keep === undefined ? {} : { keep }),
      ...(owns ? { applicationOwns: ["url"] as const } : {}),
      ...(set === undefined ? {} : { set }),
    }),
  );

onEachPostgres("a rule in TypeScript and in SQL says the same", (server) => {
  let client: Client;
  let hasIsJson: boolean;
  before(async () => {
    client = new Client({ connectionString: server() });
    await client.connect();
    const found = await client.query<{ newer: boolean }>(
      "select current_setting('server_version_num')::int >= 160000 as newer",
    );
    hasIsJson = found.rows[0]?.newer === true;
  });
  after(() => client.end());

  const specOf = (row: RowSpec) => ({ ...tenantsSpec(), rows: [row] });
  const shapeOf = (configType: ConfigType): TableShape =>
    ({
      spec: tenantsSpec().table,
      configType,
      hasIsJson,
      columns: new Map(["label", "kind"].map((one) => [one, { sql: one, type: "text" }])),
    }) as unknown as TableShape;
  const noRow: RowSpec = { key: "a", url: ours, transport: "streamable-http" };

  /** Asks the server about a row `t` with a document, and its entry `d`. */
  async function ask<T>(
    expression: string,
    given: { type?: ConfigType; document?: string; row?: RowSpec; columns?: (string | null)[] },
  ): Promise<T> {
    const { type = "jsonb", document = "{}", row = noRow, columns = [null, null] } = given;
    const { rows: found } = await client.query<{ answer: T }>(
      `select ${expression} as answer from (select $1::${type} as config, $3::text as label, $4::text as kind) t,
         (select d.*, d.target::text as target_text from jsonb_to_recordset($2::jsonb) as d(${specColumns})) d`,
      [document, JSON.stringify([specRecord(row)]), ...columns],
    );
    assert.ok(found[0]);
    return found[0].answer;
  }
  const check = async <T>(property: fc.IAsyncProperty<T>, numRuns = 300): Promise<void> =>
    fc.assert(property, { numRuns, interruptAfterTimeLimit: 60_000 });

  it("looksSecret: a name of a credential", () =>
    check(
      fc.asyncProperty(name, async (one) => {
        assert.equal(await ask(looksSecretSql(literal(one)), {}), looksSecret(one));
      }),
    ));

  it("isEmbedded: a document that starts a process", () =>
    check(
      fc.asyncProperty(content, async (one) => {
        const document = JSON.stringify(one);
        assert.equal(await ask(isEmbeddedSql("t.config"), { document }), isEmbedded(one));
      }),
    ));

  it("isTarget: a document as it should be, also where the application owns the path", () =>
    check(
      fc.asyncProperty(
        rows.chain((row) => fc.tuple(fc.constant(row), fc.oneof(content, nearTarget(row)))),
        async ([row, one]) => {
          const document = JSON.stringify(one);
          const there = await ask(isTargetSql(specOf(row), "t.config"), { document, row });
          assert.equal(there, isTarget(one, row));
        },
      ),
      600,
    ));

  it("isOwn and set columns: the values of columns as text", () =>
    check(
      fc.asyncProperty(
        rows,
        fc.option(text),
        fc.option(text),
        text,
        async (row, label, kind, value) => {
          const spec = specOf(row);
          const typed = { ...spec, table: { ...spec.table, type: { column: "kind", value } } };
          const columns = [label, kind];
          // A row without a type is not the application's own either.
          const own = (await ask<boolean | null>(isOwnSql(typed), { columns })) === true;
          assert.equal(own, isOwn(typed, { type: kind }));
          const now: Record<string, string | null> = { label, kind };
          const differing = setColumns(spec).filter((one) => now[one] !== row.set?.[one]);
          assert.deepEqual(await ask(differingColumnsSql(spec), { row, columns }), differing);
        },
      ),
    ));

  for (const type of ["text", "json", "jsonb"] as const) {
    it(`parseDocument: a ${type} document that SQL reads is one that needs no unwrapping`, () =>
      check(
        fc.asyncProperty(content, fc.boolean(), async (one, spaced) => {
          const document = JSON.stringify(one, undefined, spaced ? 2 : undefined);
          const shape = shapeOf(type);
          const plain = await ask<boolean | null>(isPlainSql(shape), { type, document });
          const parsed = parseDocument(["a"], document);
          if (plain !== true) return;
          assert.deepEqual([parsed?.format, parsed?.path], ["json", []]);
          const read = await ask<string>(`(${plainContentSql(shape)})::text`, { type, document });
          assert.deepEqual(JSON.parse(read), parsed?.content);
        }),
      ));

    it(`keptKeys: a new ${type} document is ours and what is kept, and reads as written`, () =>
      check(
        fc.asyncProperty(rows, content, async (row, one) => {
          const document = JSON.stringify(one);
          const shape = shapeOf(type);
          const after = await ask<string>(afterTextSql(shape), { type, document, row });
          const kept = keptKeys(row, Object.keys(one));
          const expected = {
            ...(JSON.parse(targetJson(row)) as Content),
            ...Object.fromEntries(Object.entries(one).filter(([key]) => kept.includes(key))),
          };
          assert.deepEqual(JSON.parse(after), expected);
          assert.equal(await ask(isWrittenSql(shape), { type, document: after, row }), true);
          assert.equal(isTarget(JSON.parse(after) as Content, row), true);
        }),
      ));
  }

  it("credentialsOf: SQL misses no document with a credential outside of an env object", () =>
    check(
      fc.asyncProperty(content, fc.boolean(), async (one, moved) => {
        const { env: variables, ...rest } = one;
        const counted =
          typeof variables === "object" && variables !== null && !Array.isArray(variables);
        const { headers: _, ...without } = rest;
        const ownHeaders = moved && !isEmbedded(one);
        const looked = { ...(ownHeaders ? without : rest), ...(counted ? {} : { env: variables }) };
        const found = credentialsOf(looked).filter(
          ({ value }) => typeof value === "string" && value !== "",
        );
        if (found.length === 0) return;
        const document = JSON.stringify(one);
        assert.equal(
          await ask(mayHoldCredentialsSql("t.config", moved), { document }),
          true,
          found[0]?.name,
        );
      }),
      600,
    ));

  it("isDeeper: SQL misses no document that is nested too deep", () =>
    check(
      fc.asyncProperty(fc.integer({ min: 90, max: 110 }), fc.boolean(), async (levels, arrays) => {
        const [open, close] = arrays ? ["[", "]"] : ['{"a":', "}"];
        const document = `{"a":${open.repeat(levels)}1${close.repeat(levels)}}`;
        const value = readText(document)?.value;
        if (isDeeper(value)) assert.equal(await ask(maybeDeepSql(literal(document)), {}), true);
      }),
      60,
    ));

  it("conversionProblem: SQL misses no JSON that the application cannot convert", () =>
    check(
      fc.asyncProperty(
        fc.constantFrom(
          ...["1e308", "1e309", "-1E+400", "1".repeat(310), "0.1e999", '"\\u0000"', '"\\ud800"'],
          ...[
            '"\\udfff\\ud800"',
            '"\\ud83d\\ude00"',
            '"\\\\u0000"',
            '"nan"',
            "12e3",
            '{"\\u0000":1}',
          ],
        ),
        async (value) => {
          const document = `{"a":${value}}`;
          if (conversionProblem(document) === undefined) return;
          assert.equal(await ask(`${literal(document)} ~ ${literal(suspect)}`, {}), true);
        },
      ),
      60,
    ));
});
