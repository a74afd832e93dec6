import { cleanJson, isClean } from "@mcp-fleet/errors";
import { Document, parse, Scalar, visit } from "yaml";

/**
 * YAML that means the same in YAML 1.2 and in 1.1, which kubectl and kustomize read: text that either parses as
 * something else (`on`, `y`, `1.10`, `0777`, `12:30:45`, `2026-01-01`, `<<`) is quoted, and so is text with
 * non-printable characters.
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

/** Whether a parser reads the plain text as anything else. Long texts and several lines are never plain scalars. */
function meansAnother(text: string, version: string): boolean {
  if (text.length > 100 || text.includes("\n")) return false;
  // Special to Go's parser: a value that only its YAML 1.1 knows, and the merge key.
  if (text === "=" || text === "<<") return true;
  try {
    return parse(text, { version: version as "1.1" | "1.2", logLevel: "silent" }) !== text;
  } catch {
    return true;
  }
}
