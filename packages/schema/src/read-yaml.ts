import { UserError } from "@mcp-fleet/errors";
import { type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";

/** Far above any stack's file, in characters. */
const maxLength = 1024 * 1024;
/** How often parts of a file may be taken up again by an alias. */
const maxAliases = 1000;

const fix = "Mend that place, or name a Pulumi.<stack>.yaml.";

/** YAML as the engine reads it: `<<` merges. */
export function parseYaml(text: string, lineCounter?: LineCounter): Document {
  return parseDocument(text, { logLevel: "silent", merge: true, lineCounter });
}

/**
 * What a YAML file holds, as the engine reads it. Errors tell the line and never quote it: a secret may stand there.
 *
 * @param file its name, for messages
 * @throws UserError for what is no YAML, and for a file that is larger, read or unread, than a stack's
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
    // What is left to go wrong are aliases of aliases, and maps merged with what is none.
    throw new UserError(
      `${file} takes up parts of itself more than ${maxAliases} times, or merges (<<) what is no map.`,
      "Write these parts out.",
    );
  }
}

/** An alias of nothing, one inside of what it stands for, and a key that means something to JavaScript. */
function refuseTraps(file: string, document: Document, lines: LineCounter): void {
  visit(document, {
    Pair(_, { key }) {
      // Readers of objects pass over it, and nobody would see that a part is missing.
      if (!isScalar(key) || key.value !== "__proto__") return;
      const { line } = lines.linePos(key.range?.[0] ?? 0);
      throw new UserError(`${file} has the key __proto__ in line ${line}.`, "Rename it.");
    },
    Alias(_, node, path) {
      const { line } = lines.linePos(node.range?.[0] ?? 0);
      const target = node.resolve(document);
      if (target === undefined)
        throw new UserError(
          `${file} has an alias (*) of nothing in line ${line}.`,
          "Put a text that begins with a star in quotes, or set the anchor (&) further up.",
        );
      if ((path as readonly unknown[]).includes(target))
        throw new UserError(
          `${file} has an alias (*) of what it is a part of in line ${line}.`,
          "Write that part out.",
        );
    },
  });
}
