import { tokenPath } from "@mcp-fleet/schema";

import { type Fields, listAt, ownAnnotations, same, unchanged, valueAt } from "./compared";
import { podAccount } from "./pod-account";
import { type PodProblem, restrictedProblems } from "./pod-security";
import { podTemplateOf } from "./pod-template";
import { tokenMounts, twiceInPod } from "./pod-twice";

/** A workload keeps its selector; its pods keep their account, their labels, what serves and the restricted profile. */
export function checkPod(after: Fields, before: Fields): PodProblem[] {
  const found = podTemplateOf(after);
  if (found === undefined) return [{ field: "spec.template.spec", allowed: "given" }];
  const { at, template } = found;
  const old = podTemplateOf(before)?.template;
  const labels = Object.keys(valueAt(old, "metadata.labels") ?? {});
  const [own, was] = [podAccount(template), podAccount(old)];
  const pod = [
    // Who may call the pod, and where it may connect to, is said of these labels.
    ...labels
      .filter((label) => !same(labelOf(template, label), labelOf(old, label)))
      .map((label) => ({ field: `metadata.labels.${label}`, allowed: "as it was" })),
    ...(same(own.account, was.account)
      ? []
      : [{ field: "spec.serviceAccountName", allowed: "as it was" }]),
    ...(same(own.identities, was.identities)
      ? []
      : [{ field: "spec.volumes", allowed: "without another token or certificate of an account" }]),
    ...ownAnnotations("metadata.annotations", template, old),
    ...(same(tokenMounts(template), tokenMounts(old))
      ? []
      : [{ field: "spec.containers", allowed: `as they were at ${tokenPath}` }]),
    ...restrictedProblems(template),
    ...twiceInPod(template),
  ];
  return [
    ...unchanged(["spec.selector"], after, before),
    ...stillServes(template, old).map(({ field, allowed }) => ({
      field: `${at}${field}`,
      allowed,
    })),
    ...pod.map(({ field, allowed }) => ({ field: `${at}${field}`, allowed })),
  ];
}

/** Every container that was there is, with its ports and probes: else the Service leads nowhere, or to what is not ready. */
function stillServes(template: unknown, old: unknown): PodProblem[] {
  const containers = (of: unknown): Fields[] => listAt(of, "spec.containers");
  return containers(old).flatMap((was) => {
    const field = `spec.containers[${String(was.name)}]`;
    const now = containers(template).find(({ name }) => name === was.name);
    if (now === undefined) return [{ field, allowed: "there" }];
    const ports = listAt(was, "ports").filter(
      (port) =>
        !listAt(now, "ports").some(
          (one) => one.name === port.name && one.containerPort === port.containerPort,
        ),
    );
    const probes = ["startupProbe", "readinessProbe", "livenessProbe"].filter(
      (probe) => (was[probe] ?? undefined) !== undefined && (now[probe] ?? undefined) === undefined,
    );
    return [
      ...ports.map(({ name, containerPort }) => ({
        field: `${field}.ports[${String(name)}]`,
        allowed: `there, with the number ${String(containerPort)}`,
      })),
      ...probes.map((probe) => ({ field: `${field}.${probe}`, allowed: "there" })),
    ];
  });
}

function labelOf(template: unknown, label: string): unknown {
  return ((valueAt(template, "metadata.labels") ?? {}) as Fields)[label];
}

/** A StatefulSet keeps its claims too, and a rollout that ends by itself: rows move only after it. */
export function checkStatefulSet(after: Fields, before: Fields): PodProblem[] {
  const strategy = ["type", "rollingUpdate.partition"].map((key) => `spec.updateStrategy.${key}`);
  return [
    ...unchanged(strategy, after, before),
    ...claimTemplateProblems(after, before),
    ...checkPod(after, before),
  ];
}

/** Claims that were there are, and new ones are such that pods can be made of them: the API server lets all of them in. */
function claimTemplateProblems(after: Fields, before: Fields): PodProblem[] {
  const claims = (of: Fields): Fields[] => listAt(of, "spec.volumeClaimTemplates");
  const nameOf = (claim: Fields): unknown => valueAt(claim, "metadata.name");
  const names = claims(after).map(nameOf);
  return [...new Set([...claims(before).map(nameOf), ...names])].flatMap((name): PodProblem[] => {
    const field = `spec.volumeClaimTemplates[${typeof name === "string" ? name : ""}]`;
    if (typeof name !== "string" || name === "")
      return [{ field: `${field}.metadata.name`, allowed: "given" }];
    if (names.filter((one) => one === name).length !== 1) return [{ field, allowed: "there once" }];
    const own = claims(after).find((one) => nameOf(one) === name);
    // A container would have it as a device, and not as a directory.
    return valueAt(own, "spec.volumeMode") === "Block" && isMounted(after, name)
      ? [{ field: `${field}.spec.volumeMode`, allowed: '"Filesystem": it is mounted' }]
      : [];
  });
}

function isMounted(workload: Fields, volume: string): boolean {
  const template = podTemplateOf(workload)?.template;
  return ["containers", "initContainers"].some((list) =>
    listAt(template, `spec.${list}`).some((one) =>
      listAt(one, "volumeMounts").some(({ name }) => name === volume),
    ),
  );
}
