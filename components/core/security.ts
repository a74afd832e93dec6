import { UserError } from "@mcp-fleet/errors";
import type * as k8s from "@pulumi/kubernetes";

import { restrictedProblems } from "./pod-security";

type PodSpec = k8s.types.input.core.v1.PodSpec;

export { defaultUser } from "@mcp-fleet/schema";

/** Pod fields that Pod Security Standard `restricted` asks for, and two that it forgets. */
export function restrictedPod(user: number, group = user): Partial<PodSpec> {
  return {
    automountServiceAccountToken: false,
    // A Service called `github` would put GITHUB_PORT=tcp://... into every pod, which servers read as their own setting.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: group,
      fsGroup: group,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** The container half of {@link restrictedPod}. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
};

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
