/** What a Dockerfile uses from elsewhere. */
export interface Ingredients {
  /** The images in FROM and COPY --from: as written, and with `ARG`s substituted. */
  readonly images: ReadonlyMap<string, string>;
  /** Files and directories that it copies from the build's directory. */
  readonly files: readonly string[];
}

/**
 * Finds what a Dockerfile uses from elsewhere.
 *
 * @param given names of the build's contexts; a stage of such a name is not built and uses nothing.
 */
export function ingredients(dockerfile: string, given: readonly string[]): Ingredients {
  const images = new Map<string, string>();
  const files = new Set<string>();
  const local = new Set(["scratch", ...given]);
  const args = new Map<string, string>();
  let skipped = false;
  for (const [instruction, ...words] of instructions(dockerfile)) {
    const flags = words.filter((word) => word.startsWith("--"));
    const plain = words.filter((word) => !word.startsWith("--"));
    const from = flags.find((flag) => flag.startsWith("--from="))?.slice("--from=".length);
    if (instruction === "ARG") {
      const [name = "", value = ""] = (plain[0] ?? "").split("=");
      args.set(name, value);
    } else if (instruction === "FROM") {
      const [image = "", , stage] = plain;
      skipped = stage !== undefined && given.includes(stage);
      const reference = image.replace(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? "");
      if (!skipped && !local.has(reference)) images.set(image, reference);
      if (stage !== undefined) local.add(stage);
    } else if (!skipped && (instruction === "COPY" || instruction === "ADD")) {
      if (from === undefined) plain.slice(0, -1).forEach((file) => files.add(file));
      else if (!local.has(from)) images.set(from, from);
    }
  }
  return { images, files: [...files] };
}

/** The instructions as words, without comments and with continued lines joined. */
const instructions = (dockerfile: string): string[][] =>
  dockerfile
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .join("\n")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
