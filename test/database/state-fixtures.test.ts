import assert from "node:assert/strict";
import { createRequire } from "node:module";

import { type CutoverInputs, runCutoverStep, runSettleStep } from "@mcp-fleet/cutover-runner";
import { readLedger, specHash } from "@mcp-fleet/row-cutover";
import * as pulumi from "@pulumi/pulumi";

import { cutoverProvider } from "../../components/cutover/provider";
import {
  fixtureReleases,
  type FixtureState,
  fixtureState,
  inputsOf,
  stubServer,
} from "../support/state-fixture";
import { closeServers } from "../unit/mcp-probe/servers";
import { type Snapshot, type StudioDatabase, studioDatabase } from "./row-cutover/support";

type Bag = Record<string, unknown>;
interface Provider {
  configure(req: { config: { get(key: string): string | undefined } }): Promise<void>;
  diff(id: string, olds: Bag, news: Bag): Promise<{ changes: boolean; replaces?: string[] }>;
  update(id: string, olds: Bag, news: Bag): Promise<{ outs: Bag }>;
  read(id: string, props: Bag): Promise<{ id: string; props: Bag }>;
  delete(id: string, props: Bag): Promise<void>;
}

/** Converts the text of a dynamic provider to a module, as the SDK does. */
const requireFromString = createRequire(require.resolve("@pulumi/pulumi"))(
  "require-from-string",
) as (code: string) => { handler(): unknown };

async function load(text: unknown, databaseUrl: string): Promise<Provider> {
  assert.ok(typeof text === "string", "the state has the provider's text");
  const provider = requireFromString(text).handler() as Provider;
  const get = (key: string): string | undefined =>
    key === "mcp-fleet:databaseUrl" ? databaseUrl : undefined;
  await provider.configure({ config: { get } });
  return provider;
}

async function textOfToday(): Promise<string> {
  const serialized = await pulumi.runtime.serializeFunction(() => cutoverProvider, {
    allowSecrets: true,
  });
  return serialized.text;
}

/*
 * The state of each release as the Pulumi CLI wrote it (test/lab/state.test.ts), with that release's code: the
 * text in the state runs on refresh and on removal, the current text on an update.
 */
for (const release of fixtureReleases()) {
  describe(`state of release ${release}`, function () {
    this.timeout(60_000);
    let state: FixtureState;
    let inputs: CutoverInputs;
    let id: string;
    let database: StudioDatabase;
    let legacy: Snapshot;
    let moved: Snapshot;

    before(async () => {
      const { url } = await stubServer();
      state = fixtureState(release, url);
      inputs = inputsOf(state);
      id = state.cutover.id ?? "";
      database = await studioDatabase({ schema: "jsonb" });
      legacy = await database.snapshot();
      // The database of that state.
      const credentials = { databaseUrl: database.db.connectionString };
      const { generation } = await runCutoverStep(inputs, credentials);
      await runSettleStep({ ...inputs, generation, workloads: [] }, credentials);
      moved = await database.snapshot();
    });
    after(async () => {
      await closeServers();
      await database.drop();
    });

    it("holds no secret, no row and no path of a machine (S35)", () => {
      assert.doesNotMatch(state.text, /ghp_|postgresql:\/\/\w+:|"args"|\/home\/|\/root\/|\/tmp\//);
      assert.equal(state.cutover.outputs.generation, 1);
      assert.equal(state.settle.outputs.generation, 1);
    });

    it("is refreshed by its own text (S18)", async () => {
      const provider = await load(state.cutover.outputs.__provider, database.db.connectionString);
      const { id: same, props } = await provider.read(id, { ...state.cutover.outputs });
      assert.equal(same, id);
      assert.equal(props.generation, 1);
      assert.equal(props.target, "in-cluster");
    });

    it("is updated by today's text with no row changed and every output there (S17, S18)", async () => {
      const provider = await load(await textOfToday(), database.db.connectionString);
      const news = {
        ...inputs,
        __provider: "today",
        specHash: specHash(inputs.spec, "in-cluster"),
      };
      const answer = await provider.diff(id, { ...state.cutover.outputs }, { ...news });
      assert.equal(answer.replaces, undefined);
      const { outs } = await provider.update(id, { ...state.cutover.outputs }, { ...news });
      assert.deepEqual(await database.snapshot(), moved);
      assert.equal(outs.generation, 1);
      for (const name of Object.keys(state.cutover.outputs)) assert.ok(name in outs, name);
    });

    it("rolls back with today's text (S18)", async () => {
      const provider = await load(await textOfToday(), database.db.connectionString);
      const news = {
        ...inputs,
        target: "embedded" as const,
        specHash: specHash(inputs.spec, "embedded"),
      };
      assert.equal(
        (await provider.diff(id, { ...state.cutover.outputs }, { ...news })).changes,
        true,
      );
      const { outs } = await provider.update(id, { ...state.cutover.outputs }, { ...news });
      assert.equal(outs.generation, 2);
      assert.deepEqual(await database.snapshot(), legacy);
    });

    it("is removed by its own text, which leaves the rows and takes the fence (S15, S18, S37)", async () => {
      const fences = (): Promise<unknown[]> =>
        database.query("select from pg_trigger where tgname like 'zz_mcp_cutover_%'");
      assert.equal((await fences()).length, 3);
      for (const one of [state.settle, state.cutover]) {
        const provider = await load(one.outputs.__provider, database.db.connectionString);
        await provider.delete(one.id ?? "", { ...one.outputs });
      }
      assert.equal((await fences()).length, 0);
      assert.deepEqual(await database.snapshot(), legacy);
      const db = { connectionString: database.db.connectionString };
      assert.equal((await readLedger(db, inputs.spec))?.generation, 2);
    });
  });
}
