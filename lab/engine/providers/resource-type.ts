import { hasUnknown, type Json, type JsonObject, sameValue, unknownValue } from "./values";

/** One input of a type. Unknown inputs are rejected. */
export interface Attribute {
  /** The default. */
  readonly initial?: Json;
  /** If omitted, it keeps the resource's value. */
  readonly computed?: true;
  /** A change replaces the resource. */
  readonly replaces?: true;
  readonly secret?: true;
  /** A list without a meaningful order. */
  readonly unordered?: true;
}

/** Why an input is rejected: two sentences. */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** An existing resource: its id and its state, with secrets in plain text. */
export interface Found {
  readonly id: string;
  readonly state: JsonObject;
}

/** One type of resource. Values have no wrappers: all are known and in plain text. */
export interface ResourceType {
  /** As in a URN, `random:index/randomPassword:RandomPassword`. */
  readonly token: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Outputs that are not inputs, and secret. */
  readonly secretOutputs?: readonly string[];
  /** Outputs that are not inputs, and unknown before the resource is created. */
  readonly computedOutputs?: readonly string[];
  refuse?(inputs: JsonObject): Failure[];
  create(inputs: JsonObject): Promise<Found>;
  /** Omitted if every input {@link Attribute.replaces}. */
  update?(old: Found, inputs: JsonObject): Promise<JsonObject>;
  /**
   * @param known the previous state; undefined for an import
   * @returns undefined if there is no such resource
   */
  read(id: string, known: JsonObject | undefined): Promise<Found | undefined>;
  remove(old: Found): Promise<void>;
}

export interface Differences {
  readonly changed: readonly string[];
  readonly replaces: readonly string[];
}

/** The inputs that differ from the state. An unknown one may differ. */
export function differences(
  type: ResourceType,
  state: JsonObject,
  inputs: JsonObject,
): Differences {
  const changed = Object.entries(type.attributes).filter(([name, attribute]) => {
    const given = inputs[name];
    if (given === undefined && attribute.computed === true) return false;
    const wanted = given ?? attribute.initial ?? null;
    const actual = state[name] ?? attribute.initial ?? null;
    return hasUnknown(wanted) || !sameValue(inOrder(attribute, wanted), inOrder(attribute, actual));
  });
  const names = (some: typeof changed): string[] => some.map(([name]) => name);
  return {
    changed: names(changed),
    replaces: names(changed.filter(([, { replaces }]) => replaces === true)),
  };
}

function inOrder(attribute: Attribute, value: Json): Json {
  return attribute.unordered === true && Array.isArray(value) ? value.map(String).sort() : value;
}

/** The inputs with defaults for omitted ones. */
export function withInitials(type: ResourceType, inputs: JsonObject): JsonObject {
  const initials = Object.entries(type.attributes).flatMap(([name, { initial }]) =>
    initial === undefined ? [] : [[name, initial] as const],
  );
  return { ...Object.fromEntries(initials), ...inputs };
}

/** The state as shown in a preview. */
export function planned(
  type: ResourceType,
  inputs: JsonObject,
  old: JsonObject | undefined,
): JsonObject {
  if (old !== undefined) return { ...old, ...withInitials(type, inputs) };
  const computed = Object.entries(type.attributes).filter(([, attribute]) => attribute.computed);
  const open = [...computed.map(([name]) => name), ...(type.computedOutputs ?? [])];
  return {
    ...Object.fromEntries(open.map((name) => [name, unknownValue])),
    ...withInitials(type, inputs),
  };
}

/**
 * The inputs that describe an existing resource.
 *
 * @param before the previous inputs; undefined for an import
 */
export function inputsOf(
  type: ResourceType,
  state: JsonObject,
  before: JsonObject | undefined,
): JsonObject {
  const found: JsonObject = {};
  for (const [name, attribute] of Object.entries(type.attributes)) {
    const value = state[name];
    if (value === undefined || value === null) continue;
    const isGiven =
      before === undefined
        ? !sameValue(value, attribute.initial ?? null)
        : before[name] !== undefined || differences(type, state, before).changed.includes(name);
    if (isGiven) found[name] = value;
  }
  return found;
}

/** The names of the secret outputs of a type. */
export function secretsOf(type: ResourceType): string[] {
  const attributes = Object.entries(type.attributes).filter(([, attribute]) => attribute.secret);
  return [...attributes.map(([name]) => name), ...(type.secretOutputs ?? [])];
}

/** Unknown inputs of the type, as failures. */
export function unknownInputs(type: ResourceType, inputs: JsonObject): Failure[] {
  return Object.keys(inputs)
    .filter((name) => !name.startsWith("__") && !(name in type.attributes))
    .map((property) => ({
      property,
      reason: `The lab's own plugin does not apply \`${property}\` of ${type.token}. Leave it out, or use the official plugin.`,
    }));
}
