/** Joins the first twenty names, and says how many more there are. */
export function listed(
  names: readonly string[],
  separator = ", ",
  count: number = names.length,
): string {
  const more = count > 20 ? ` and ${count - 20} more` : "";
  return names.slice(0, 20).join(separator) + more;
}
