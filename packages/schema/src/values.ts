import { removeCommand } from "./paths";
import type { Problem } from "./problems";

/** Keys whose value is plain text. */
const plainText = ["target", "application", "namespace"];

/**
 * The parsed value of a key. `pulumi config set` stores `false` and objects as text, and the engine passes
 * everything as text. Text that begins like JSON and is invalid is a problem; other text is left to the schema.
 */
export function valueOfText(
  key: string,
  text: string,
): { readonly value: unknown } | { readonly problem: Problem } {
  if (plainText.includes(key)) return { value: text };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    if (!/^\s*[[{]/.test(text)) return { value: text };
  }
  const fix = `Remove it with: ${removeCommand([key])}; then write it in Pulumi.<stack>.yaml.`;
  return { problem: { path: key, problem: "is not valid JSON.", fix } };
}
