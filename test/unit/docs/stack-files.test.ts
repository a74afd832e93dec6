import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";
import MarkdownIt from "markdown-it";

import { readPages } from "../../../docs/build/pages";
import { root } from "../../support/stack-file";

/** The stack files on a page: the blocks of YAML that name a namespace. Other blocks are parts of one. */
function stackFilesOf(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return new MarkdownIt()
    .parse(text, {})
    .flatMap(({ info, content }) =>
      info === "yaml" && content.includes("  mcp-fleet:namespace:") ? [content] : [],
    );
}

const problemsOf = (page: string, text: string): string[] =>
  checkStackFile(page, text, integratedServers).problems.map(({ path }) => path);

describe("the stack files in the documentation", () => {
  it("pass `mcp-fleet config check`", () => {
    for (const { path } of readPages(root))
      for (const text of stackFilesOf(path)) assert.deepEqual(problemsOf(path, text), [], path);
  });

  it("docs/servers.md has a minimal one, of which no key can be left out but the context and the consumers", () => {
    const [minimal = "", ...others] = stackFilesOf("docs/servers.md");
    assert.deepEqual(others, []);
    const { servers } = checkStackFile("minimal", minimal, integratedServers);
    assert.deepEqual(servers, ["weather"]);
    for (const key of ["namespace", "cutover", "studio"]) {
      const without = minimal.replace(new RegExp(`^  mcp-fleet:${key}:.*\n`, "m"), "");
      assert.notDeepEqual(problemsOf("without", without), [], key);
    }
  });
});
