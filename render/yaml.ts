import { cleanJson, isClean } from "@mcp-fleet/errors";
import { Document, parse, Scalar, visit } from "yaml";

/**
 * An object as YAML that means the same by YAML 1.2 and by 1.1, which kubectl and kustomize read: a text that either
 * takes for something else (`on`, `y`, `1.10`, `0777`, `12:30:45`, `2026-01-01`, `<<`) is quoted, and so is one with
 * a character that is not to be printed.
 */
export function yamlOf(object: unknown): string {
  const document = new Document(object, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && isDoubtful(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return cleanJson(document.toString({ lineWidth: 0 }));
}

function isDoubtful(text: string): boolean {
  return !isClean(text) || ["1.1", "1.2"].some((version) => meansAnother(text, version));
}

/** Whether a parser takes the bare text for anything but this text. Long texts and several lines are never bare words. */
function meansAnother(text: string, version: string): boolean {
  if (text.length > 100 || text.includes("\n")) return false;
  // Go's parser has these by its own: a value of 1.1 that nothing else reads, and the key of a merge.
  if (text === "=" || text === "<<") return true;
  try {
    return parse(text, { version: version as "1.1" | "1.2", logLevel: "silent" }) !== text;
  } catch {
    return true;
  }
}
