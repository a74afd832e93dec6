/** What of a JSON schema the reference shows. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly description?: string | undefined;
  readonly examples?: readonly unknown[];
}

/** What a key is for, where its own keys are explained, and one value of it. */
export function meaningOf(
  { description, examples = [] }: Schema,
  explainedAt: readonly string[],
): string {
  const [example] = examples;
  const sentences = [
    description === undefined ? "" : escaped(description),
    ...explainedAt.map((path) => `Its parts are explained at \`${path}\`.`),
    example === undefined ? "" : `Example: \`${JSON.stringify(example).replace(/\|/g, "\\|")}\``,
  ];
  return sentences.filter((one) => one !== "").join(" ");
}

function escaped(text: string): string {
  return text.replace(/</g, "\\<").replace(/\|/g, "\\|");
}

/** A value's type in words. `resolve` gives a schema with what it refers to. */
export function typeOf(written: Schema, resolve: (schema: Schema) => Schema): string {
  const schema = resolve(written);
  const inner = (one: Schema): string => typeOf(one, resolve);
  const forms = (schema.anyOf ?? schema.oneOf)?.map(resolve);
  if (forms !== undefined) return formsOf(forms, inner);
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  }
  if (schema.items !== undefined) return `list of ${grouped(inner(schema.items))}`;
  if (typeof schema.additionalProperties === "object" && schema.properties === undefined) {
    return `map of ${grouped(inner(schema.additionalProperties))}`;
  }
  const types = [schema.type ?? "anything"].flat();
  return isText(types) ? "text" : `${types.join(" or ")}${rangeOf(schema)}`;
}

/** What a process is told as text, however YAML read it. */
function isText(types: readonly string[]): boolean {
  return types.length === 3 && ["string", "boolean", "number"].every((one) => types.includes(one));
}

/** The forms that a value may have; objects by the keys that they need. */
function formsOf(forms: readonly Schema[], inner: (schema: Schema) => string): string {
  const words = forms.map((one) => (one.properties === undefined ? inner(one) : shapeOf(one)));
  return [...new Set(words)].join(" or ");
}

/** `{secret, key, …}`: the keys that are required, else all of them. */
function shapeOf({ properties = {}, required = [] }: Schema): string {
  const all = Object.keys(properties);
  const shown = required.length === 0 ? all : all.filter((key) => required.includes(key));
  return `\`{${[...shown, ...(shown.length < all.length ? ["…"] : [])].join(", ")}}\``;
}

function grouped(words: string): string {
  return words.includes(" or ") ? `(${words})` : words;
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const low = exclusiveMinimum === undefined ? minimum : `above ${exclusiveMinimum}`;
  const high = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (high !== undefined) return ` ${low ?? ""} to ${high}`;
  if (low === undefined || low === Number.MIN_SAFE_INTEGER) return "";
  return typeof low === "number" ? ` from ${low}` : ` ${low}`;
}
