/** How a server's tools differ from the recorded ones. */
export interface ToolChanges {
  /** Recorded tools that are not listed any more, under no name. */
  readonly missing: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly added: readonly string[];
}

/**
 * Compares two lists of tool names. A tool counts as renamed when exactly one new name has the same letters and
 * digits, or has them with a prefix or suffix: `jira_get_issue`, `jira-get-issue` and `getIssue`.
 */
export function compareTools(recorded: readonly string[], listed: readonly string[]): ToolChanges {
  const [before, now] = [new Set(recorded), new Set(listed)];
  const gone = recorded.filter((name) => !now.has(name)).map(lettersOf);
  const fresh = listed.filter((name) => !before.has(name)).map(lettersOf);
  const renamed: { from: string; to: string }[] = [];
  const [left, taken] = [new Set<string>(), new Set<string>()];
  // Every pair is compared. A server that renames thousands of tools would delay everything else.
  for (const from of gone.length * fresh.length > mostPairs ? [] : gone) {
    const alike = fresh.filter((to) => !taken.has(to.name) && sameTool(from.letters, to.letters));
    const [one] = alike;
    if (alike.length !== 1 || one === undefined) continue;
    renamed.push({ from: from.name, to: one.name });
    left.add(from.name);
    taken.add(one.name);
  }
  return {
    missing: gone.map(({ name }) => name).filter((name) => !left.has(name)),
    renamed,
    added: fresh.map(({ name }) => name).filter((name) => !taken.has(name)),
  };
}

/** A name, and its normalised form. */
interface Named {
  readonly name: string;
  readonly letters: string;
}

function lettersOf(name: string): Named {
  return { name, letters: name.toLowerCase().replace(/[^a-z0-9]/g, "") };
}

/** How many pairs are compared. With more, all count as removed and added. */
const mostPairs = 1_000_000;

/** Shorter names are ambiguous: `get` is part of many names. */
const shortest = 6;

function sameTool(a: string, b: string): boolean {
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= shortest && (long.endsWith(short) || long.startsWith(short));
}
