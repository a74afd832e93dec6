import { UserError } from "@mcp-fleet/errors";
import type * as k8s from "@pulumi/kubernetes";

type Container = k8s.types.input.core.v1.Container;
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** The user every image of ours runs as; it owns nothing in the image. */
export const defaultUser = 65532;

/** Pod fields that Pod Security Standard `restricted` asks for, and two that it forgets. */
export function restrictedPod(user: number): Partial<PodSpec> {
  return {
    automountServiceAccountToken: false,
    // A Service called `github` would put GITHUB_PORT=tcp://... into every pod, which servers read as their own setting.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
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
 * The fields in which a pod template is weaker than the restricted profile. Values that are not known yet (outputs)
 * count as weaker: what cannot be checked is not let through.
 */
export function restrictedProblems(template: unknown): string[] {
  const spec = (template as { spec?: PodSpec } | undefined)?.spec;
  const wrong: string[] = [];
  const must = (held: boolean, field: string): void => void (held || wrong.push(field));
  const pod = spec as Record<string, unknown> | undefined;
  const context = pod?.securityContext as Record<string, unknown> | undefined;
  must(pod?.automountServiceAccountToken === false, "automountServiceAccountToken");
  must(pod?.enableServiceLinks === false, "enableServiceLinks");
  must(pod?.hostNetwork === undefined && pod?.hostPID === undefined, "hostNetwork, hostPID");
  must(context?.runAsNonRoot === true, "securityContext.runAsNonRoot");
  const containers = (pod?.containers ?? []) as Container[];
  const initContainers = (pod?.initContainers ?? []) as Container[];
  for (const container of [...containers, ...initContainers]) {
    const own = (container.securityContext ?? {}) as Record<string, unknown>;
    const drop = (own.capabilities as { drop?: string[] } | undefined)?.drop;
    const at = `containers[${typeof container.name === "string" ? container.name : "?"}].securityContext`;
    must(own.allowPrivilegeEscalation === false, `${at}.allowPrivilegeEscalation`);
    must(own.readOnlyRootFilesystem === true, `${at}.readOnlyRootFilesystem`);
    must(own.privileged !== true, `${at}.privileged`);
    must(own.runAsNonRoot !== false, `${at}.runAsNonRoot`);
    must(Array.isArray(drop) && drop.includes("ALL"), `${at}.capabilities.drop`);
  }
  return wrong;
}

/**
 * Refuses a pod that a transform made weaker than the restricted profile.
 *
 * @throws UserError naming `owner` and every field that is wrong.
 */
export function assertRestricted(owner: string, template: unknown): void {
  const wrong = restrictedProblems(template);
  if (wrong.length === 0) return;
  throw new UserError(
    `${owner}: [transform.deployment] takes away what Pod Security "restricted" asks for: ${wrong.join("; ")}.`,
    "Leave these fields as they are, or run the workload outside of this component.",
  );
}
