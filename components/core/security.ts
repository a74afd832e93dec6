import { UserError } from "@mcp-fleet/errors";

import { restrictedProblems } from "./pod-security";

export { restrictedContainer, restrictedPod } from "@mcp-fleet/kube";
export { defaultUser } from "@mcp-fleet/schema";

/**
 * Refuses a pod of ours that is weaker than the restricted profile.
 *
 * @throws UserError naming `owner` and every field that is wrong, with what it has to be
 */
export function assertRestricted(owner: string, template: unknown): void {
  const wrong = restrictedProblems(template);
  if (wrong.length === 0) return;
  throw new UserError(
    `${owner}: the pod is weaker than Pod Security "restricted" and this program allow: ${sayProblems(wrong)}.`,
    "Leave these fields as they are, or run the workload outside of this program.",
  );
}

/** Problems in one sentence. */
export function sayProblems(problems: readonly { field: string; allowed: string }[]): string {
  return problems.map(({ field, allowed }) => `${field} has to be ${allowed}`).join("; ");
}
