import type { Problem } from "../problems";
import type { StackSettings } from "../stack";

/** An image whose tag can move, where the stack does not accept that. */
export function floatingImage(
  path: string,
  image: string,
  { allowLatest }: Pick<StackSettings, "allowLatest">,
): Problem[] {
  if (allowLatest || !isFloating(image)) return [];
  return [
    {
      path,
      problem: `"${image}" names no fixed version.`,
      fix: "Pin it by tag or digest, or set allowLatest to true in a stack that is not production.",
    },
  ];
}

function isFloating(image: string): boolean {
  if (image.includes("@sha256:")) return false;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest";
}
