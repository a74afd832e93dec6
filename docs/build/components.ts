import { readdirSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

const head = `# Components

The arguments of every component, from their docstrings; this page is generated (\`npm run docs\`). All components are in
\`@mcp-fleet/components\`; the programs of [examples/library](../../examples/library/index.ts) use each of them.
`;

/** The reference of every \`...Args\` interface under \`components/\`, as Markdown. */
export function componentReference(projectDir: string): string {
  const directory = join(projectDir, "components");
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort();
  const examples = libraryExamples(projectDir);
  const statements = files.flatMap((name) => {
    const file = join(directory, name);
    const text = ts.sys.readFile(file) ?? "";
    return [...ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements];
  });
  const interfaces = statements.filter((node) => ts.isInterfaceDeclaration(node));
  const classes = new Map(
    statements
      .filter((node) => ts.isClassDeclaration(node))
      .map((node) => [node.name?.text ?? "", docOf(node).text]),
  );
  const named = new Map(interfaces.map((node) => [node.name.text, node]));
  const sections = interfaces
    .filter((node) => node.name.text.endsWith("Args"))
    .map((node) => section(node, named, classes, examples));
  return `${[head.trimEnd(), ...sections].join("\n\n")}\n`;
}

/** The programs of the library's example, by file name. */
function libraryExamples(projectDir: string): ReadonlyMap<string, string> {
  const directory = join(projectDir, "examples", "library");
  const names = readdirSync(directory).filter((name) => name.endsWith(".ts"));
  return new Map(names.map((name) => [name, ts.sys.readFile(join(directory, name)) ?? ""]));
}

function section(
  node: ts.InterfaceDeclaration,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
  classes: ReadonlyMap<string, string>,
  examples: ReadonlyMap<string, string>,
): string {
  const rows = propertiesOf(node, interfaces).map((member) => {
    const { text, fallback } = docOf(member);
    const optional = member.questionToken !== undefined;
    const name = `\`${member.name.getText()}${optional ? "?" : ""}\``;
    const type = `\`${(member.type?.getText() ?? "").replace(/\s+/g, " ")}\``;
    return `| ${[name, type, text, fallback].map(cell).join(" | ")} |`;
  });
  const name = node.name.text.replace(/Args$/, "");
  const table = ["| Argument | Type | Meaning | Default |", "| --- | --- | --- | --- |", ...rows];
  const example = [...examples].find(([, text]) => text.includes(`new ${name}(`))?.[0];
  const shown = example && `Example: [${example}](../../examples/library/${example})`;
  return [`## ${name}`, classes.get(name), shown, table.join("\n")].filter(Boolean).join("\n\n");
}

/** Those of the interfaces it extends first. */
function propertiesOf(
  node: ts.InterfaceDeclaration,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
): ts.PropertySignature[] {
  const inherited = (node.heritageClauses ?? [])
    .flatMap(({ types }) => types.map(({ expression }) => interfaces.get(expression.getText())))
    .filter((parent) => parent !== undefined);
  return [
    ...inherited.flatMap((parent) => propertiesOf(parent, interfaces)),
    ...node.members.filter((member) => ts.isPropertySignature(member)),
  ];
}

function docOf(node: ts.Node): { text: string; fallback: string } {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const plain = (comment: ts.JSDoc["comment"]): string =>
    (ts.getTextOfJSDocComment(comment) ?? "")
      .replace(/\{@link (\w+)\}/g, "`$1`")
      .replace(/\s+/g, " ");
  const tag = docs.flatMap((doc) => doc.tags ?? []).find((one) => one.tagName.text === "default");
  return { text: docs.map((doc) => plain(doc.comment)).join(" "), fallback: plain(tag?.comment) };
}

/** A type may be shortened; what it stands for is in the source. */
function cell(text: string): string {
  const short = text.length > 160 && text.startsWith("`") ? `${text.slice(0, 150)} …\`` : text;
  return short.replace(/\|/g, "\\|").replace(/(?<!`[^`]*)</g, "\\<");
}
