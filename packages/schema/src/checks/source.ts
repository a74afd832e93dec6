import type { Problem } from "../problems";
import { referencesOf } from "../references";
import type { ServerSettings } from "../server";
import { codeProblems } from "./code";

type Source = ServerSettings["source"];

/** The keys that each source reads, besides `image`. */
const keysOf: Readonly<Record<Source, readonly (keyof ServerSettings)[]>> = {
  image: ["command", "args"],
  bridge: ["stdio"],
  code: ["code"],
  shared: ["command", "args"],
};
const allKeys = ["command", "args", "stdio", "code"] as const;

/** What to do about a key that only other sources read. */
const instead: Readonly<Record<Source, string>> = {
  image: 'Set command or args, or set source to "bridge" (stdio) or "code" (code).',
  bridge: 'Set stdio to the server behind the bridge, or set source to "image".',
  code: 'Set code.files or code.directory, or set source to "image" (command, args) or "bridge" (stdio).',
  shared: 'Set command and args, or set source to "bridge" (stdio) or "code" (code).',
};

/** Keys that the source requires, and keys that it does not read. Paths are those of the server's keys. */
export function sourceProblems(own: ServerSettings): Problem[] {
  const { source } = own;
  const problems: Problem[] = [];
  const missing = (name: string, fix: string): void =>
    void problems.push({ path: name, problem: "is missing.", fix });
  if (source === "bridge" && own.stdio === undefined) {
    missing("stdio", "Set it to the stdio server's command line.");
  }
  if (source === "shared" && own.command === undefined) {
    missing("command", "Set it to what starts the MCP server in the other workload's image.");
  }
  if (source === "code" && own.code === undefined) {
    missing(
      "code",
      "Set code.directory to a directory of Python files, or code.files to their text.",
    );
  }
  if (source === "code" && own.code !== undefined) {
    problems.push(...codeProblems("code", own.code));
  }
  for (const name of allKeys) {
    if (own[name] === undefined || keysOf[source].includes(name)) continue;
    const problem = `has no effect on a server of source "${source}".`;
    problems.push({ path: name, problem, fix: instead[source] });
  }
  return problems;
}

/** A word in a stdio list that looks like a Kubernetes reference. Words of a list are passed on unchanged. */
export function stdioWordProblems({ stdio }: ServerSettings): Problem[] {
  const words = Array.isArray(stdio) ? stdio : [];
  return words.flatMap((word, index) =>
    referencesOf(word).map((name) => ({
      path: `stdio[${index}]`,
      problem: `holds $(${name}), which reaches the server unchanged.`,
      fix: `Write stdio as one command line with "$${name}" in double quotes, or write $$(${name}) for the text itself.`,
    })),
  );
}
