import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

import { execa } from "execa";

import { readPages } from "../../docs/build/pages";

const root = join(__dirname, "..", "..", "..");
const site = join(root, "out", "site");
const reference = join(root, "docs", "reference", "components");

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();

describe("the documentation as it is built", function () {
  this.timeout(5 * 60_000);

  it("has the components' reference as TypeDoc writes it from the source", async () => {
    const out = mkdtempSync(join(tmpdir(), "mcp-fleet-reference-"));
    try {
      await execa("npx", ["--no-install", "typedoc", "--out", out], { cwd: root });
      assert.deepEqual(filesIn(reference), filesIn(out), "run `npm run docs`");
      for (const name of filesIn(out)) {
        assert.equal(
          readFileSync(join(reference, name), "utf8"),
          readFileSync(join(out, name), "utf8"),
          `run \`npm run docs\`: ${name}`,
        );
      }
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });

  describe("the site", () => {
    before(async () => {
      rmSync(site, { recursive: true, force: true });
      await execa("npm", ["run", "site"], { cwd: root });
    });

    const html = (): string[] => filesIn(site).filter((name) => name.endsWith(".html"));

    it("has every page", () => {
      for (const { path } of readPages(root)) {
        const page = path.replace(/README\.md$/, "index.md").replace(/\.md$/, ".html");
        assert.ok(existsSync(join(site, page)), `${path} is not on the site`);
      }
    });

    it("has no link to a page that it does not have", () => {
      const links = html().flatMap((name) => {
        const text = readFileSync(join(site, name), "utf8");
        return [...text.matchAll(/href="([^"#]+)[^"]*"/g)].map(([, link = ""]) => ({ name, link }));
      });
      const own = links.filter(({ link }) => !/^\w+:/.test(link));
      assert.ok(own.length > 1000, `only ${own.length} links`);
      const broken = own.filter(({ name, link }) => {
        const path = link.startsWith("/") ? link : join("/", dirname(name), link);
        return !existsSync(join(site, path.endsWith("/") ? `${path}index.html` : path));
      });
      assert.deepEqual([...new Set(broken.map(({ name, link }) => `${name}: ${link}`))], []);
    });

    it("has a sidebar that begins with the tasks, and an index to search", () => {
      const page = readFileSync(join(site, "docs", "quickstart.html"), "utf8");
      const sections = ["Start", "How to", "When something fails", "Reference"];
      const at = sections.map((text) => page.indexOf(`>${text}</h2>`));
      assert.ok(
        at.every((position, index) => position > (at[index - 1] ?? 0)),
        at.join(", "),
      );
      const index = filesIn(site).filter((name) => /localSearchIndex.*\.js$/.test(name));
      assert.equal(index.length, 1);
      assert.match(readFileSync(join(site, index[0] ?? ""), "utf8"), /quickstart/);
    });
  });
});
