import { Output } from "@pulumi/pulumi";

type Fields = Readonly<Record<string, unknown>>;

/** A pod template and its place in an object. */
export interface FoundTemplate {
  /** Path of the template in the object, followed by a dot; empty for a bare pod. */
  readonly at: string;
  readonly template: unknown;
}

/**
 * The pod template of a Kubernetes object of any kind: a bare Pod is one itself, a CronJob nests it deeper.
 * Undefined for an object without pods. An unknown one is returned as it is.
 */
export function podTemplateOf(object: unknown): FoundTemplate | undefined {
  const places = [["spec", "jobTemplate", "spec", "template"], ["spec", "template"], ["template"]];
  for (const place of places) {
    const template = at(object, place);
    if (Output.isInstance(template) || at(template, ["spec"]) !== undefined)
      return { at: `${place.join(".")}.`, template };
  }
  const isPod = ["containers", "initContainers"].some((key) => at(object, ["spec", key]));
  return isPod ? { at: "", template: object } : undefined;
}

/** An Output gives an Output for whatever is asked of it, so the walk stops at one. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Output.isInstance(inner)) return inner;
    return typeof inner === "object" && inner !== null ? (inner as Fields)[key] : undefined;
  }, value);
}
