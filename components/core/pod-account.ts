import { Output } from "@pulumi/pulumi";

import type { PodProblem } from "./pod-security";

type Fields = Readonly<Record<string, unknown>>;

/** Sources of a projected volume that give the pod an identity. */
const identities = ["serviceAccountToken", "podCertificate"];

/**
 * The identity of a pod: its account, and volumes with a token or a certificate. Outputs are kept, so that they
 * never equal the previous value.
 */
export function podAccount(template: unknown): { account: unknown; identities: unknown[] } {
  const spec = (template as { spec?: Fields } | undefined)?.spec ?? {};
  const volumes = Array.isArray(spec.volumes) ? (spec.volumes as unknown[]) : [];
  return {
    // The second name is the older one; the API server accepts both.
    account: [spec.serviceAccountName, spec.serviceAccount],
    identities: volumes.filter(givesIdentity),
  };
}

/** Rejects a pod without an account of its own, or with an identity that it should not have. */
export function accountProblems(template: unknown, mayHaveToken: boolean): PodProblem[] {
  const { account, identities: found } = podAccount(template);
  const [name, old] = account as unknown[];
  const own = typeof name === "string" && name !== "" && name !== "default";
  return [
    ...(own ? [] : [{ field: "spec.serviceAccountName", allowed: "an account of its own" }]),
    ...(old === undefined || old === name
      ? []
      : [{ field: "spec.serviceAccount", allowed: "left out" }]),
    ...(mayHaveToken || found.length === 0
      ? []
      : [{ field: "spec.volumes", allowed: "without a token or certificate of an account" }]),
  ];
}

function givesIdentity(volume: unknown): boolean {
  const projected = (volume as Fields | undefined)?.projected;
  if (projected === undefined || projected === null) return false;
  const sources = (projected as Fields).sources;
  if (Output.isInstance(volume) || Output.isInstance(projected) || !Array.isArray(sources))
    return true;
  return sources.some(
    (source) =>
      Output.isInstance(source) ||
      identities.some((kind) => ((source as Fields | null)?.[kind] ?? undefined) !== undefined),
  );
}
