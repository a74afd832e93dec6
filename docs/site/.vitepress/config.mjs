import { cpSync, globSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { defineConfig } from "vitepress";

const root = resolve(import.meta.dirname, "../../..");
const pages = resolve(import.meta.dirname, "../pages");
const isPage = (file) => /\.(md|svg|png)$/.test(file);

/** The title of a page: its first heading. */
const titleOf = (path) => /^# (.*)$/m.exec(readFileSync(join(root, path), "utf8"))?.[1] ?? path;
/** A sidebar entry of a page, as the site calls it: README.md is the index of its folder. */
const page = (path, text = titleOf(path)) => ({
  text: text.replaceAll("`", ""),
  link: `/${path.replace(/README\.md$/, "").replace(/\.md$/, "")}`,
});
const folder = (path) =>
  readdirSync(join(root, path))
    .filter((name) => name.endsWith(".md") && name !== "index.md")
    .map((name) => page(`${path}/${name}`));

/** Tasks first, then what one looks up, then why. */
const sidebar = [
  {
    text: "Start",
    items: [
      page("README.md", "What it is"),
      page("docs/quickstart.md"),
      page("docs/lab.md"),
      page("docs/concepts.md"),
    ],
  },
  {
    text: "How to",
    items: [
      ...["studio", "todo", "ai-platform"].map((name) => page(`docs/howto/${name}.md`)),
      page("docs/servers.md"),
      page("docs/mesh.md"),
      ...["operate", "environments"].map((name) => page(`docs/howto/${name}.md`)),
      ...["tools-lock", "in-cluster", "workflows", "observability", "backends"].map((n) =>
        page(`docs/${n}.md`),
      ),
      page("packages/components/README.md", "Use the components in a program"),
      page("examples/README.md", "Examples"),
    ],
  },
  { text: "When something fails", items: folder("docs/runbooks") },
  {
    text: "Reference",
    items: [
      page("docs/reference/configuration.md"),
      page("docs/cli.md"),
      page("docs/reference/commands.md"),
      page("docs/operations.md"),
      {
        ...page("docs/reference/components/index.md", "Components"),
        link: "/docs/reference/components/",
        collapsed: true,
        items: folder("docs/reference/components"),
      },
      ...["probe", "policy"].map((name) => page(`docs/${name}.md`)),
      page("packages/row-cutover/README.md", "What is in the database"),
      page("components/cutover/README.md", "What is in state"),
      page("images/README.md", "Images"),
    ],
  },
  {
    text: "Why and how far",
    items: [
      ...["security", "reliability", "comparison", "benchmarks", "dependencies"].map((name) =>
        page(`docs/${name}.md`),
      ),
      page("docs/decisions/README.md"),
      page("CHANGELOG.md"),
    ],
  },
];

/** Links to READMEs become links to indexes. A link to a file that is no page becomes plain text: the site has no sources. */
function links(md) {
  md.core.ruler.push("project-links", ({ tokens, env }) => {
    for (const { children } of tokens) {
      let closes = 0;
      for (const token of children ?? []) {
        if (token.type === "link_close" && closes > 0) {
          closes -= 1;
          token.tag = "span";
        }
        if (token.type !== "link_open") continue;
        const href = token.attrGet("href");
        if (/^(\w+:|#)/.test(href)) continue;
        const [path, anchor] = href.split("#");
        if (isPage(path)) {
          const index = path.replace(/README\.md$/, "index.md");
          token.attrSet("href", anchor === undefined ? index : `${index}#${anchor}`);
        } else {
          token.type = "span_open";
          token.tag = "span";
          token.attrs = null;
          closes += 1;
        }
      }
    }
  });
}

/** Copies the pages and their pictures into this folder, because Vite resolves what they import from where they are. */
function copyPages() {
  const left = ["node_modules", "dist", "out", "site", ".git"];
  rmSync(pages, { recursive: true, force: true });
  const found = globSync("**/*.{md,svg,png}", {
    cwd: root,
    exclude: ({ name }) => left.includes(name),
    withFileTypes: true,
  });
  for (const { parentPath, name } of found) {
    const from = join(parentPath, name);
    if (name !== "CLAUDE.md") cpSync(from, join(pages, relative(root, from)));
  }
}

copyPages();

export default defineConfig({
  title: "mcp-fleet",
  description: "Moves an application's MCP servers into Kubernetes and its database rows with them",
  srcDir: pages,
  outDir: join(root, "out/site"),
  cacheDir: join(root, "out/site-cache"),
  rewrites: (id) => id.replace(/README\.md$/, "index.md"),
  cleanUrls: false,
  // `npm run docs` checks every link, with its anchor, also those that lead to a source.
  ignoreDeadLinks: true,
  markdown: { config: links },
  themeConfig: {
    sidebar,
    nav: [
      { text: "Documentation", link: "/docs/" },
      { text: "Configuration", link: "/docs/reference/configuration" },
      { text: "Changes", link: "/CHANGELOG" },
    ],
    search: { provider: "local" },
    outline: { level: [2, 3] },
  },
});
