import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const rows = readFileSync("docs/security.md", "utf8")
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter(([, number = ""]) => /^\d+$/.test(number));

describe("docs/security.md", () => {
  it("has a test for every attack, whose title has the attack's number", () => {
    assert.ok(rows.length > 0);
    for (const [, number = "", attack = "", what = "", tests = ""] of rows) {
      assert.ok(attack !== "" && what !== "", number);
      const files = [...tests.matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file);
      assert.ok(
        files.length > 0 || what.includes("**"),
        `${number} has no test and does not say so`,
      );
      for (const file of files) {
        const title = `(issue 16, item ${number})`;
        assert.ok(readFileSync(file, "utf8").includes(title), `${file} has no test ${title}`);
      }
    }
  });
});
