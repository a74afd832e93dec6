import { isDeepStrictEqual } from "node:util";

import { UserError } from "@mcp-fleet/errors";
import { tokenPath } from "@mcp-fleet/schema";
import { Output } from "@pulumi/pulumi";

import { podAccount } from "./pod-account";
import { type PodProblem, restrictedProblems } from "./pod-security";
import { podTemplateOf } from "./pod-template";
import { tokenMounts, twiceInPod } from "./pod-twice";
import { rulesWithin } from "./policy-width";
import { sayProblems } from "./security";
import { applyTransform, type Transform } from "./transform";

type Fields = Readonly<Record<string, unknown>>;
type Check = (after: Fields, before: Fields) => PodProblem[];

/** What only some objects have, by the key of the transform. */
const checks: Readonly<Record<string, Check>> = {
  deployment: checkPod,
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
    `Take these fields out of transform.${key}; a server that needs them runs outside of this program.`,
  );
}

/** Fields that have to be as they were. An Output never equals another. */
function unchanged(paths: readonly string[], after: Fields, before: Fields): PodProblem[] {
  return paths.flatMap((field) => {
    const was = valueAt(before, field);
    if (same(valueAt(after, field), was)) return [];
    const shown = typeof was === "string" || typeof was === "boolean" ? `"${was}"` : "as it was";
    return [{ field, allowed: was === undefined ? "left out" : shown }];
  });
}

/** The program's own annotations say what the commands and the policies rest on. */
function ownAnnotations(at: string, after: unknown, before: unknown): PodProblem[] {
  const own = (of: unknown): Fields => (valueAt(of, at) ?? {}) as Fields;
  const [now, was] = [own(after), own(before)];
  return [...new Set([...Object.keys(now), ...Object.keys(was)])]
    .filter((key) => key.startsWith("mcp-fleet.dev/") && !same(now[key], was[key]))
    .map((key) => ({ field: `${at}.${key}`, allowed: "as it was" }));
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

function same(value: unknown, was: unknown): boolean {
  return value === was || isDeepStrictEqual(value ?? undefined, was ?? undefined);
}

function valueAt(object: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Fields)[key] : undefined,
      object,
    );
}

function checkPod(after: Fields, before: Fields): PodProblem[] {
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

/** A list of objects; what is none, or not known yet, counts as empty. */
function listAt(object: unknown, path: string): Fields[] {
  const found = valueAt(object, path);
  return Array.isArray(found)
    ? (found as unknown[]).filter((one): one is Fields => typeof one === "object" && one !== null)
    : [];
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

function labelOf(template: unknown, label: string): unknown {
  return ((valueAt(template, "metadata.labels") ?? {}) as Fields)[label];
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
