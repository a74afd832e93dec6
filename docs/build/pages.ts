import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import MarkdownIt from "markdown-it";

/** One Markdown file of the project. */
export interface Page {
  /** Path from the project's root. */
  readonly path: string;
  /** Ids of its headings, as GitHub makes them, and those that it sets by itself. */
  readonly anchors: readonly string[];
  /** Where it points to, as written. */
  readonly links: readonly string[];
  /** Its tags of HTML, but for comments and anchors: a site takes `<stack>` in a sentence for one. */
  readonly tags: readonly string[];
}

const elsewhere = ["node_modules", "dist", ".git", "out", "site"];

/** Every Markdown file that people read: `docs/`, and the READMEs beside the code. */
export function readPages(projectDir: string): Page[] {
  const files = (directory: string): string[] =>
    readdirSync(join(projectDir, directory), { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return elsewhere.includes(entry.name) ? [] : files(path);
      return entry.name.endsWith(".md") && entry.name !== "CLAUDE.md" ? [path] : [];
    });
  return files(".")
    .sort()
    .map((path) => readPage(projectDir, path));
}

function readPage(projectDir: string, path: string): Page {
  const markdown = new MarkdownIt({ html: true, linkify: false });
  const text = readFileSync(join(projectDir, path), "utf8");
  const tokens = markdown.parse(text, {});
  const anchors: string[] = [];
  const links: string[] = [];
  const tags: string[] = [];
  tokens.forEach((token, index) => {
    if (token.type === "heading_open") {
      const id = anchorOf(plainText(tokens[index + 1]), anchors);
      anchors.push(id);
    }
    for (const child of [token, ...(token.children ?? [])]) {
      if (child.type.startsWith("html_") && !isPlain(child.content))
        tags.push(child.content.trim());
      const link = child.attrGet("href") ?? child.attrGet("src");
      if (link === null) continue;
      links.push(String(link));
    }
  });
  anchors.push(...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id));
  return {
    path,
    anchors,
    links,
    tags,
  };
}

/** A comment, or an anchor's opening or closing tag. */
const isPlain = (html: string): boolean =>
  /^(<!--.*-->|<a id="[^"]+">(<\/a>)?|<\/a>)$/s.test(html.trim());

function plainText(
  token: { readonly children: { readonly content: string }[] | null } | undefined,
) {
  return (token?.children ?? []).map(({ content }) => content).join("");
}

/** As GitHub does it: lower case, no punctuation, hyphens, and a number from the second one on. */
function anchorOf(heading: string, before: readonly string[]): string {
  const base = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- ]/gu, "")
    .replace(/ /g, "-");
  const same = before.filter((id) => id === base || id.startsWith(`${base}-`)).length;
  return same === 0 ? base : `${base}-${same}`;
}

function isExternal(link: string): boolean {
  return /^(https?:|mailto:)/.test(link);
}

/** The links of these pages that lead nowhere within the project, as `page: link`. */
export function brokenLinks(projectDir: string, pages: readonly Page[]): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) =>
    page.links
      .filter((link) => !isExternal(link) && !leadsSomewhere(projectDir, byPath, page, link))
      .map((link) => `${page.path}: ${link}`),
  );
}

function leadsSomewhere(
  projectDir: string,
  pages: ReadonlyMap<string, Page>,
  page: Page,
  link: string,
): boolean {
  const [target = "", anchor] = link.split("#");
  const file =
    target === ""
      ? page.path
      : relative(projectDir, resolve(projectDir, dirname(page.path), target));
  if (!existsSync(join(projectDir, file))) return false;
  return anchor === undefined || (pages.get(file)?.anchors.includes(anchor) ?? false);
}
