/** What a Dockerfile takes from elsewhere. */
export interface Ingredients {
  /** The images that it starts from or copies from: as they are written, and with `ARG`s filled in. */
  readonly images: ReadonlyMap<string, string>;
  /** Files and directories that it copies out of the build's directory. */
  readonly files: readonly string[];
}

/**
 * Reads what a Dockerfile takes from elsewhere.
 *
 * @param given names of contexts that come with the build; a stage of such a name is not built, so it takes nothing.
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

/** The instructions, each as its words; comments are left out and continued lines joined. */
const instructions = (dockerfile: string): string[][] =>
  dockerfile
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .join("\n")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
