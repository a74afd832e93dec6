import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { paths } from "../../lab/paths";
import { type Client, clientsOf, probeCases } from "../support/probe-cases/cases";
import { serveStubs } from "../support/probe-cases/stub";

/** The newest release of both major versions. Their interpreters stay in the cache. */
const releases: readonly (readonly [Client, string])[] = [
  ["mcp 1", "1.30.0"],
  ["mcp 2", "2.3.0"],
];
const script = join(paths.projectDir, "test", "support", "probe-cases", "client.py");

/** A Python interpreter with this release of the official client. */
async function pythonWith(release: string): Promise<string> {
  const directory = join(paths.cache, "python", `mcp-${release}`);
  const python = join(directory, "bin", "python");
  const limits = { stdin: "ignore", timeout: 240_000 } as const;
  if (!existsSync(join(directory, "ready"))) {
    await execa("python3", ["-m", "venv", "--clear", directory], limits);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await execa(python, [...install, `mcp==${release}`], limits);
    await execa("touch", [join(directory, "ready")], limits);
  }
  return python;
}

/**
 * The unit rung asks the TypeScript clients and the probe the same: with this, the table's column of every client is
 * what that client does.
 */
describe("the official Python clients against the probe's cases (issue 18, item 6)", function () {
  this.timeout(5 * 60_000);
  let served: Awaited<ReturnType<typeof serveStubs>>;

  before(async () => {
    served = await serveStubs(probeCases.map(({ stub }) => stub));
  });

  after(() => served.close());

  for (const [client, release] of releases) {
    it(`mcp ${release} takes and refuses what the table says`, async () => {
      const python = await pythonWith(release);
      for (const mode of ["legacy", "auto"]) {
        const cases = probeCases
          .map((one, index) => ({ ...one, url: served.urls[index] ?? "" }))
          .filter((one) => clientsOf(one).includes(client))
          .filter(({ stub }) => (stub.modern === true) === (mode === "auto"));
        const { stdout } = await execa(python, [script, mode], {
          input: JSON.stringify(cases.map(({ url }) => url)),
          timeout: 240_000,
        });
        const refusals = JSON.parse(stdout) as string[];
        assert.equal(refusals.length, cases.length);
        const refused = cases.filter((_, index) => refusals[index] !== "");
        const expected = cases.filter(
          ({ refusedBy = [], emptyFor = [] }) =>
            refusedBy.includes(client) || emptyFor.includes(client),
        );
        assert.deepEqual(
          refused.map(({ what }) => what),
          expected.map(({ what }) => what),
        );
      }
    });
  }
});
