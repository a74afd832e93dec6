/** What became of a server's tools since they were recorded. */
export interface ToolChanges {
  /** Recorded, and neither listed any more nor found under another name. */
  readonly missing: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly added: readonly string[];
}

/**
 * Compares two lists of tool names. A tool counts as renamed when exactly one new name has the same letters and
 * digits, or has them with something before or after: `jira_get_issue`, `jira-get-issue` and `getIssue`.
 */
export function compareTools(recorded: readonly string[], listed: readonly string[]): ToolChanges {
  const gone = recorded.filter((name) => !listed.includes(name));
  const fresh = listed.filter((name) => !recorded.includes(name));
  const renamed: { from: string; to: string }[] = [];
  for (const from of gone) {
    const taken = new Set(renamed.map(({ to }) => to));
    const alike = fresh.filter((name) => !taken.has(name) && sameTool(from, name));
    if (alike.length === 1 && alike[0] !== undefined) renamed.push({ from, to: alike[0] });
  }
  return {
    missing: gone.filter((name) => !renamed.some(({ from }) => from === name)),
    renamed,
    added: fresh.filter((name) => !renamed.some(({ to }) => to === name)),
  };
}

/** Shorter names say too little: `get` is a part of half of all names. */
const shortest = 6;

function sameTool(one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ""));
  if (a === undefined || b === undefined) return false;
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= shortest && (long.endsWith(short) || long.startsWith(short));
}
