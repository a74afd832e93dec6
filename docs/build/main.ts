import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { chartFiles } from "./charts";
import { componentReference } from "./components";
import { configurationReference } from "./configuration";
import { brokenLinks, type Page, readPages } from "./pages";
import { projectFile, stackFileSchema } from "./project";

const projectDir = resolve(__dirname, "..", "..", "..");
const site = join(projectDir, "out", "site");

const style = `body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem 2rem}
nav{border-bottom:1px solid #ccc;padding-bottom:.5rem}nav a{margin-right:1rem}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #ccc;padding:.25rem .5rem;vertical-align:top}
img{max-width:100%}
pre{background:#f5f5f5;overflow-x:auto;padding:.75rem}code{font:0.9em ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}pre{background:#222}}`;

/** The generated files, by their path from the project's root. */
export function references(): Readonly<Record<string, () => string>> {
  return {
    "docs/reference/configuration.md": () => configurationReference(),
    "docs/reference/components.md": () => componentReference(projectDir),
    "docs/reference/stack-file.schema.json": stackFileSchema,
    "Pulumi.yaml": () => projectFile(projectDir),
    ...chartFiles,
  };
}

function document(page: Page): string {
  const up = (path: string): string => relative(dirname(page.path), path);
  const links = [
    ["README.html", "mcp-fleet"],
    ["docs/index.html", "Documentation"],
    ["docs/reference/configuration.html", "Configuration"],
    ["CHANGELOG.html", "Changes"],
  ].map(([path = "", title]) => `<a href="${up(path)}">${title}</a>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${page.title.replace(/</g, "&lt;")}</title><style>${style}</style></head>
<body><nav>${links.join("")}</nav><main>${page.html}</main></body></html>\n`;
}

/** Writes the generated files and `out/site`, and names every link that leads nowhere. */
function main(): void {
  for (const [path, text] of Object.entries(references())) {
    mkdirSync(dirname(join(projectDir, path)), { recursive: true });
    writeFileSync(join(projectDir, path), text());
  }
  const pages = readPages(projectDir);
  rmSync(site, { recursive: true, force: true });
  for (const page of pages) {
    const file = join(site, page.path.replace(/\.md$/, ".html"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, document(page));
    for (const image of page.links.filter((link) => /^[^:]+\.(svg|png)$/.test(link))) {
      copyFileSync(join(projectDir, dirname(page.path), image), join(dirname(file), image));
    }
  }
  const broken = brokenLinks(projectDir, pages);
  process.stdout.write(
    `${pages.length} pages in out/site\n${broken.map((one) => `broken: ${one}\n`).join("")}`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
}

if (require.main === module) main();
