import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Commands name these first, and the others by name. */
const first = ["llmctl-mcp", "github", "atlassian"];

/** `packages/catalog/src/integrated.ts`: every file of `servers` is a server of its name. */
export function catalogIndex(projectDir: string): string {
  const keys = readdirSync(join(projectDir, "packages", "catalog", "src", "servers"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -".ts".length))
    .sort();
  const ordered = [...first, ...keys.filter((key) => !first.includes(key))];
  const entries = ordered.map((key) => {
    const name = nameOf(key);
    return `  ${/^\w+$/.test(key) ? key : `"${key}"`}${name === key ? "" : `: ${name}`},`;
  });
  return `// Generated from the files of servers/: npm run docs
import type { Catalog } from "@mcp-fleet/schema";

${keys.map((key) => `import { ${nameOf(key)} } from "./servers/${key}";`).join("\n")}

/** The servers bundled in the application's image, by the key of their database row. */
export const integratedServers: Catalog = {
${entries.join("\n")}
};
`;
}

/** The constant that a server's file exports. */
function nameOf(key: string): string {
  return key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
