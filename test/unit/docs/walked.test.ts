import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { paths } from "../../../lab/paths";
import { blocksOf } from "../../support/walk";

const namesIn = (directory: string): string[] => readdirSync(join(paths.projectDir, directory));
const pages = (directory: string): string[] =>
  namesIn(directory).flatMap((name) => (name.endsWith(".md") ? [`${directory}/${name}`] : []));

describe("pages that tell what to type", () => {
  const walks = namesIn("test/lab")
    .filter((name) => name.startsWith("walk"))
    .map((name) => readFileSync(join(paths.projectDir, "test/lab", name), "utf8"))
    .join("\n");

  for (const page of [
    "README.md",
    "docs/quickstart.md",
    ...pages("docs/howto"),
    ...pages("docs/runbooks"),
  ]) {
    if (blocksOf(page).length === 0) continue;
    it(`${page} is typed by a walk on the lab`, () => {
      assert.ok(walks.includes(`page: "${page}"`), `no walk in test/lab types ${page}`);
    });
  }
});
