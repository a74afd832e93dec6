import type * as k8s from "@kubernetes/client-node";

/** User and group of this project's own images. */
const imageUser = 65532;

/** Pod fields that Pod Security Standard `restricted` asks for, and two that it forgets. */
export function restrictedPod(user = imageUser, group = user) {
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
  } satisfies Partial<k8s.V1PodSpec>;
}

/** The container half of {@link restrictedPod}. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
} satisfies k8s.V1SecurityContext;
