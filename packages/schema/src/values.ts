import { removeCommand } from "./paths";
import type { Problem } from "./problems";

/** Keys whose value is the text itself. */
const plainText = ["target", "application", "namespace"];

/**
 * The value of a key whose value is text: `pulumi config set` stores `false` and objects so, and the engine hands
 * everything over so. Text that begins like JSON and is none is a problem; other text is left for the schema to judge.
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
  const fix = `Take it out with: ${removeCommand([key])}; then write it in Pulumi.<stack>.yaml.`;
  return { problem: { path: key, problem: "is not valid JSON.", fix } };
}
