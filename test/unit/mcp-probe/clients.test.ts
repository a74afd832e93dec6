import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { modernVersion, probe, type ProbeResult } from "@mcp-fleet/mcp-probe";

import {
  caseCells,
  clientsOf,
  passes,
  probeCases,
  typescriptClients,
} from "../../support/probe-cases/cases";
import { askWith } from "../../support/probe-cases/official-clients";
import { serveStubs } from "../../support/probe-cases/stub";

const quick = { deadlineSeconds: 5, requestTimeoutSeconds: 3, retryDelaySeconds: 0.01 };

describe("mcp-probe is as strict as the official clients (issue 18, item 6)", function () {
  this.timeout(60_000);
  let served: Awaited<ReturnType<typeof serveStubs>>;
  const verdicts = new Map<string, string[]>();
  const probed = new Map<string, ProbeResult>();

  before(async () => {
    served = await serveStubs(probeCases.map(({ stub }) => stub));
    const waiting = probeCases.entries();
    const worker = async (): Promise<void> => {
      for (const [index, one] of waiting) {
        const { what, stub } = one;
        const url = served.urls[index] ?? "";
        const modern = stub.modern === true;
        const limits = modern ? { ...quick, protocols: [modernVersion] } : quick;
        probed.set(what, await probe({ name: "stub", url }, limits));
        for (const client of ["sdk 1", "client 2"] as const) {
          if (!clientsOf(one).includes(client)) continue;
          const refusal = await askWith(client, url, modern);
          if (refusal !== "") verdicts.set(what, [...(verdicts.get(what) ?? []), client]);
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
  });

  after(() => served.close());

  for (const one of probeCases) {
    const { what, refusedBy = [], emptyFor = [], says } = one;
    it(`${passes(one) ? "takes" : "refuses"} ${what}`, () => {
      const refused = verdicts.get(what) ?? [];
      const expected = typescriptClients.filter(
        (client) => refusedBy.includes(client) || emptyFor.includes(client),
      );
      assert.deepEqual(refused, expected, "the clients' own verdict");
      const result = probed.get(what);
      assert.equal(result?.ok, passes(one), result?.message);
      if (says !== undefined) assert.match(result?.message ?? "", says);
    });
  }

  it("is told in docs/probe.md, case by case", () => {
    const page = readFileSync(join(__dirname, "../../../../docs/probe.md"), "utf8");
    const [, table = ""] = /<!-- cases[^>]*-->\n([\s\S]*)<!-- end of cases -->/.exec(page) ?? [];
    const rows = table.split("\n").filter((line) => line.startsWith("| "));
    const cells = rows.map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    assert.deepEqual(cells.slice(2), caseCells(probeCases));
  });
});
