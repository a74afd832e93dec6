import type { Registration } from "./handler";
import { isObject, type JsonObject, resolveReferences } from "./wire";

/** What is used of the SDK's generated request messages, which have no types of their own. */
interface Struct {
  toJavaScript(): JsonObject;
}
interface Timeouts {
  getCreate(): string;
  getUpdate(): string;
  getDelete(): string;
}
export interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getRemote(): boolean;
  getObject(): Struct | undefined;
  getProvider(): string;
  getDependenciesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getIgnorechangesList(): string[];
  getTransformsList(): unknown[];
  getHooks(): { toObject(): Record<string, unknown> } | undefined;
  getImportid(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getCustomtimeouts(): Timeouts | undefined;
}
export interface ReadRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getId(): string;
}
export interface OutputsRequest {
  getUrn(): string;
  getOutputs(): Struct | undefined;
}
export interface InvokeRequest {
  getTok(): string;
}

export type Reply = (error: unknown, response?: unknown) => void;

/** The URN the Pulumi engine would give: the types of the parents, without the stack's, lead to the type. */
export function urnOf(
  project: string,
  stack: string,
  request: { getType(): string; getName(): string; getParent(): string },
): string {
  const parentType = request.getParent().split("::")[2] ?? "";
  const chain =
    parentType === "" || parentType === "pulumi:pulumi:Stack"
      ? request.getType()
      : `${parentType}$${request.getType()}`;
  return `urn:pulumi:${stack}::${project}::${chain}::${request.getName()}`;
}

/** The URN in a provider reference (`<urn>::<id>`), or undefined for the default provider. */
export function providerUrn(reference: string): string | undefined {
  return reference === "" ? undefined : reference.slice(0, reference.lastIndexOf("::"));
}

/** Seconds of a Go duration such as `10m` or `1h30m`; undefined when there is none. */
export function durationSeconds(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const units: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ms|h|m|s)/g)) {
    seconds += Number(number) * (units[unit ?? ""] ?? 0);
  }
  return seconds > 0 ? seconds : undefined;
}

export function registrationOf(request: RegisterRequest, urn: string): Registration {
  const inputs = resolveReferences(request.getObject()?.toJavaScript() ?? {});
  const provider = providerUrn(request.getProvider());
  const create = durationSeconds(request.getCustomtimeouts()?.getCreate());
  const update = durationSeconds(request.getCustomtimeouts()?.getUpdate());
  const needs = [...request.getDependenciesList(), request.getParent(), provider ?? ""];
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    inputs: isObject(inputs) ? inputs : {},
    dependencies: [...new Set(needs.filter((item) => item !== ""))],
    secretOutputs: request.getAdditionalsecretoutputsList(),
    ...(provider === undefined ? {} : { provider }),
    ...(create === undefined ? {} : { createTimeout: create }),
    ...(update === undefined ? {} : { updateTimeout: update }),
  };
}

/** Options of a resource that would change what happens and that the lab runner does not carry out. */
export function unsupportedOption(request: RegisterRequest): string | undefined {
  if (request.getRemote()) return "a component of another language";
  if (request.getImportid() !== "") return "the option import";
  if (request.getTransformsList().length > 0) return "the option transforms";
  const hooks = Object.values(request.getHooks()?.toObject() ?? {});
  return hooks.some((list) => Array.isArray(list) && list.length > 0)
    ? "the option hooks"
    : undefined;
}

/** `ignoreChanges`: the old input stays at each of these paths (dots only, no indices). */
export function keepIgnored(
  inputs: JsonObject,
  old: JsonObject | undefined,
  paths: readonly string[],
): JsonObject {
  if (old === undefined || paths.length === 0) return inputs;
  const copy = structuredClone(inputs);
  for (const path of paths) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let target: JsonObject | undefined = copy;
    let source: JsonObject | undefined = old;
    for (const key of keys) {
      target = isObject(target?.[key]) ? target[key] : undefined;
      source = isObject(source?.[key]) ? source[key] : undefined;
    }
    if (target === undefined || source === undefined) continue;
    const value = source[last];
    if (value === undefined) Reflect.deleteProperty(target, last);
    else target[last] = value;
  }
  return copy;
}
