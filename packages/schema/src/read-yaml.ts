import { UserError } from "@mcp-fleet/errors";
import { type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";

/** Far larger than any stack's file, in characters. */
const maxLength = 1024 * 1024;
/** How often aliases may repeat parts of a file. */
const maxAliases = 1000;

const fix = "Correct that place, or name a Pulumi.<stack>.yaml.";

/** Parses YAML as the engine does: `<<` merges. */
export function parseYaml(text: string, lineCounter?: LineCounter): Document {
  return parseDocument(text, { logLevel: "silent", merge: true, lineCounter });
}

/**
 * The content of a YAML file as the engine reads it. Errors name the line and never quote it, because it may
 * contain a secret.
 * @param file its name, for messages
 * @throws UserError for invalid YAML, and for a file that is too large before or after its aliases are expanded
 */
export function readYaml(file: string, text: string): unknown {
  if (text.length > maxLength)
    throw new UserError(`${file} has more than ${maxLength} characters.`, fix);
  const lines = new LineCounter();
  const document = parseYaml(text, lines);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const [what = ""] = error.message.split(/ at line \d+|\n/);
    throw new UserError(`${file} is no YAML: ${what}, at line ${line}, column ${col}.`, fix);
  }
  refuseTraps(file, document, lines);
  try {
    return document.toJS({ maxAliasCount: maxAliases }) as unknown;
  } catch {
    // What can still fail: aliases of aliases, and a merge of something that is not a map.
    throw new UserError(
      `${file} expands aliases more than ${maxAliases} times, or merges (<<) something that is not a map.`,
      "Write these parts out.",
    );
  }
}

/** Rejects an alias without anchor, an alias inside of its own anchor, and keys that are special in JavaScript. */
function refuseTraps(file: string, document: Document, lines: LineCounter): void {
  visit(document, {
    Pair(_, { key }) {
      // Readers of objects would skip the key, and nobody would notice the missing part.
      if (!isScalar(key) || key.value !== "__proto__") return;
      const { line } = lines.linePos(key.range?.[0] ?? 0);
      throw new UserError(`${file} has the key __proto__ in line ${line}.`, "Rename it.");
    },
    Alias(_, node, path) {
      const { line } = lines.linePos(node.range?.[0] ?? 0);
      const target = node.resolve(document);
      if (target === undefined)
        throw new UserError(
          `${file} has an alias (*) without an anchor in line ${line}.`,
          "Put a text that begins with a star in quotes, or set the anchor (&) further up.",
        );
      if ((path as readonly unknown[]).includes(target))
        throw new UserError(
          `${file} has an alias (*) inside of its own anchor in line ${line}.`,
          "Write that part out.",
        );
    },
  });
}
