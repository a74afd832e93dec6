import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const lines = readFileSync("docs/reliability.md", "utf8")
  .split("\n")
  .filter((line) => /^\| S\d+ /.test(line));

describe("docs/reliability.md", () => {
  it("has one line for each of S1 to S40", () => {
    const numbers = lines.map((line) => Number(/^\| S(\d+)/.exec(line)?.[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
  });

  it("names test files that are there and whose titles have the scenario's number", () => {
    for (const line of lines) {
      const cells = line.split("|").map((cell) => cell.trim());
      const [, scenario, , what = "", tests = ""] = cells;
      if (tests === "–") {
        assert.match(what, /\*\*/, `${scenario ?? ""} has no test and does not say so`);
        continue;
      }
      for (const [, file = "", rest = ""] of tests.matchAll(/`(test\/[^`]+)`([^`]*)/g)) {
        const text = readFileSync(file, "utf8");
        for (const [, numbers = ""] of rest.matchAll(/\((S[^)]+)\)/g))
          assert.ok(text.includes(`(${numbers})`), `${file} has no test (${numbers})`);
      }
    }
  });
});
