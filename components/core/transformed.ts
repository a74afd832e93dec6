import { UserError } from "@mcp-fleet/errors";
import { Output } from "@pulumi/pulumi";

import { type Fields, listAt, ownAnnotations, same, unchanged, valueAt } from "./compared";
import type { PodProblem } from "./pod-security";
import { rulesWithin } from "./policy-width";
import { sayProblems } from "./security";
import { applyTransform, type Transform } from "./transform";
import { checkPod, checkStatefulSet } from "./transformed-pod";

type Check = (after: Fields, before: Fields) => PodProblem[];

/** What only some objects have, by the key of the transform. */
const checks: Readonly<Record<string, Check>> = {
  deployment: checkPod,
  statefulSet: checkStatefulSet,
  service: checkService,
  serviceAccount: (after, before) => unchanged(["automountServiceAccountToken"], after, before),
  networkPolicy: checkNetworkPolicy,
  fqdnPolicy: checkFqdnPolicy,
  // Whose Secret the operator writes, and where.
  externalSecret: (after, before) =>
    unchanged(
      ["spec.target.name", "spec.targets", "spec.managedKubeSecretReferences"],
      ...[after, before],
    ),
  autoscaler: (after, before) => unchanged(["spec.scaleTargetRef"], after, before),
  disruptionBudget: (after, before) => unchanged(["spec.selector"], after, before),
};

/**
 * The arguments of a child after its transform. The child stays the object that it is, in its namespace; its pods keep
 * their account, their labels and the restricted profile; its NetworkPolicy lets nothing through that it did not.
 *
 * @param owner the resource that makes the child, for the error
 * @param key the transform's name, for example `deployment`
 * @throws UserError naming `owner`, the transform and every field that it may not change
 */
export function transformed<T extends object>(
  owner: string,
  key: string,
  args: T,
  transform: Transform<T> | undefined,
): T {
  const changed = applyTransform(args, transform);
  const [after, before] = [changed as Fields, args as Fields];
  const identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
  const wrong = [
    ...unchanged([...identity, "metadata.generateName"], after, before),
    ...ownAnnotations("metadata.annotations", after, before),
    ...directives(after),
    ...(checks[key]?.(after, before) ?? []),
  ];
  if (wrong.length === 0) return changed;
  throw new UserError(
    `${owner}: [transform.${key}] changes what a transform may not: ${sayProblems(wrong)}.`,
    `Remove these fields from transform.${key}; a server that needs them runs outside of this program.`,
  );
}

/** What kubectl obeys and the API server does not know: only an item of a list is taken away by one. */
function directives(value: unknown, at = ""): PodProblem[] {
  if (Array.isArray(value))
    return (value as unknown[]).flatMap((item, index) => directives(item, `${at}[${index}]`));
  if (typeof value !== "object" || value === null || Output.isInstance(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key.startsWith("$")
      ? [
          {
            field: `${at}.${key}`.replace(/^\./, ""),
            allowed: "left out; an item of a list with a key goes by $patch: delete",
          },
        ]
      : directives(inner, `${at}.${key}`),
  );
}

/** A port of the Service that was there is, and leads where it led. */
function checkService(after: Fields, before: Fields): PodProblem[] {
  const fixed = [
    ...["selector", "type", "externalIPs", "externalName", "loadBalancerSourceRanges"],
    "publishNotReadyAddresses",
  ];
  const ports = listAt(before, "spec.ports").filter(
    (was) =>
      !listAt(after, "spec.ports").some(
        (one) =>
          one.name === was.name && one.port === was.port && same(one.targetPort, was.targetPort),
      ),
  );
  return [
    ...unchanged(
      fixed.map((field) => `spec.${field}`),
      ...[after, before],
    ),
    ...ports.map(({ name, port }) => ({
      field: `spec.ports[${String(name)}]`,
      allowed: `there, with the number ${String(port)}`,
    })),
  ];
}

function checkNetworkPolicy(after: Fields, before: Fields): PodProblem[] {
  const types = (of: Fields): unknown => valueAt(of, "spec.policyTypes");
  const [now, was] = [types(after), types(before)];
  const closes = Array.isArray(now) && Array.isArray(was) && was.every((one) => now.includes(one));
  const wider = (["ingress", "egress"] as const).filter((direction) => {
    const side = direction === "ingress" ? "from" : "to";
    const at = `spec.${direction}`;
    return !rulesWithin(side, valueAt(after, at), valueAt(before, at));
  });
  return [
    ...unchanged(["spec.podSelector"], after, before),
    ...(closes ? [] : [{ field: "spec.policyTypes", allowed: "what it was, or more" }]),
    ...wider.map((direction) => ({
      field: `spec.${direction}`,
      allowed: "no wider than it was: give callers and targets by consumers and egress",
    })),
  ];
}

/** Rules that deny may come, and rules that allow may go. */
function checkFqdnPolicy(after: Fields, before: Fields): PodProblem[] {
  const spec = (valueAt(after, "spec") ?? {}) as Fields;
  const denies = ["egressDeny", "ingressDeny", "description", "labels"];
  const old = (valueAt(before, "spec") ?? {}) as Fields;
  const fixed = [...new Set([...Object.keys(spec), ...Object.keys(old)])]
    .filter((key) => key !== "egress" && !denies.includes(key))
    .map((key) => `spec.${key}`);
  const rules = (of: Fields): unknown[] => (Array.isArray(of.egress) ? of.egress : [undefined]);
  const narrower = rules(spec).every((rule) => rules(old).some((one) => same(rule, one)));
  return [
    ...unchanged(["specs", ...fixed], after, before),
    ...(narrower ? [] : [{ field: "spec.egress", allowed: "no wider: set egress.fqdns instead" }]),
  ];
}
