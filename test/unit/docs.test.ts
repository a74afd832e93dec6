import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { references } from "../../docs/build/main";
import { brokenLinks, readPages } from "../../docs/build/pages";

const root = join(__dirname, "..", "..", "..");

describe("the documentation", () => {
  for (const [path, generate] of Object.entries(references())) {
    it(`${path} is what the sources say`, () => {
      assert.equal(readFileSync(join(root, path), "utf8"), generate(), "run `npm run docs`");
    });
  }

  it("never has npx fetch a name that is not ours on npm (issue 16, item 14)", () => {
    for (const { path } of readPages(root))
      assert.doesNotMatch(
        readFileSync(join(root, path), "utf8"),
        /\bnpx (-y |--yes )?mcp-fleet\b/,
        path,
      );
  });

  it("has no link that leads nowhere", () => {
    const pages = readPages(root);
    assert.ok(pages.length > 20, `only ${pages.length} pages were looked at`);
    assert.deepEqual(brokenLinks(root, pages), []);
  });

  it("has no tag of HTML that the site would take for one of its own", () => {
    const tagged = readPages(root).filter(({ tags }) => tags.length > 0);
    assert.deepEqual(
      tagged.map(({ path, tags }) => `${path}: ${tags.join(" ")}`),
      [],
    );
  });
});
