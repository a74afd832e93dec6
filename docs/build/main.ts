import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { catalogIndex } from "./catalog";
import { chartFiles } from "./charts";
import { commandIndex, commandReference } from "./commands";
import { configurationReference } from "./configuration";
import { brokenLinks, readPages } from "./pages";
import { projectFile, stackFileSchema } from "./project";

const projectDir = resolve(__dirname, "..", "..", "..");

/** The generated files, by their path from the project's root. */
export function references(): Readonly<Record<string, () => string>> {
  return {
    "docs/reference/configuration.md": () => configurationReference(),
    "docs/reference/commands.md": () => commandReference(projectDir),
    "cli/commands/index.ts": () => commandIndex(projectDir),
    "packages/catalog/src/integrated.ts": () => catalogIndex(projectDir),
    "docs/reference/stack-file.schema.json": stackFileSchema,
    "Pulumi.yaml": () => projectFile(projectDir),
    ...chartFiles,
  };
}

/** Writes the generated files, and names every link that leads nowhere. */
function main(): void {
  for (const [path, text] of Object.entries(references())) {
    mkdirSync(dirname(join(projectDir, path)), { recursive: true });
    writeFileSync(join(projectDir, path), text());
  }
  const pages = readPages(projectDir);
  const broken = brokenLinks(projectDir, pages);
  process.stdout.write(
    `${pages.length} pages\n${broken.map((one) => `broken: ${one}\n`).join("")}`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
}

if (require.main === module) main();
