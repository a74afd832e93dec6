import { jsonSchemaOf, stackSchema } from "@mcp-fleet/schema";

/** What of a JSON schema the reference shows. */
interface Schema {
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
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

interface Row {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

const head = `# Configuration

Every key of a stack, as \`packages/schema\` checks it; this page is generated from there (\`npm run docs\`). Keys are set
under \`mcp-fleet:\` in \`Pulumi.<stack>.yaml\`. \`<key>\` stands for a name of your own, \`[]\` for an item of a list.

Four more keys are secrets: \`databaseUrl\`, \`studioSecrets.<KEY>\`, \`serverSecrets.<server>.<KEY>\` and \`meshDatabaseUrl\`
(\`pulumi config set --secret --path ...\`). The first two can be another stack's outputs: \`shared\`.
`;

/** The configuration reference as Markdown. */
export function configurationReference(): string {
  const schema = jsonSchemaOf(stackSchema) as Schema;
  const sections = Object.entries(schema.properties ?? {}).map(([key, inner]) => {
    const rows = rowsOf(key, inner, schema.required?.includes(key) ?? false);
    const table = rows.map(({ path, schema: one, required }) =>
      [`\`${path}\``, typeOf(one), defaultOf(one, required), meaningOf(one, path === key)].join(
        " | ",
      ),
    );
    return [
      `## ${key}`,
      escaped(inner.description ?? ""),
      `| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${table.map((row) => `| ${row} |`).join("\n")}`,
    ].join("\n\n");
  });
  return `${[head.trimEnd(), ...sections].join("\n\n")}\n`;
}

/** What a key is for, and one value of it. The section says it of its own key. */
function meaningOf({ description, examples = [] }: Schema, isSection: boolean): string {
  const [example] = examples;
  const shown = example === undefined ? "" : ` Example: \`${JSON.stringify(example)}\``;
  return isSection || description === undefined
    ? ""
    : `${escaped(description)}${shown.replace(/\|/g, "\\|")}`;
}

function escaped(text: string): string {
  return text.replace(/</g, "\\<").replace(/\|/g, "\\|");
}

function rowsOf(path: string, schema: Schema, required: boolean): Row[] {
  const own = { path, schema, required };
  const objects = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const inner = objects.flatMap((one) => {
    const fields = Object.entries(one.properties ?? {}).flatMap(([key, field]) =>
      rowsOf(`${path}.${key}`, field, one.required?.includes(key) ?? false),
    );
    const items = one.items === undefined ? [] : nested(`${path}[]`, one.items);
    const entries =
      typeof one.additionalProperties === "object"
        ? nested(`${path}.<key>`, one.additionalProperties)
        : [];
    return [...fields, ...items, ...entries];
  });
  return [own, ...inner];
}

/** A list or a map of plain values needs no row of its own for them. */
function nested(path: string, schema: Schema): Row[] {
  const rows = rowsOf(path, schema, false);
  return rows.length === 1 ? [] : rows.slice(1);
}

function typeOf(schema: Schema): string {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map(typeOf))].join(" or ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  }
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === "object") {
    return `map of ${typeOf(schema.additionalProperties)}`;
  }
  const types = [schema.type ?? "anything"].flat();
  return `${types.join(" or ")}${rangeOf(schema)}`;
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const low = exclusiveMinimum === undefined ? minimum : `above ${exclusiveMinimum}`;
  const high = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (high !== undefined) return ` ${low ?? ""} to ${high}`;
  if (low === undefined || low === Number.MIN_SAFE_INTEGER) return "";
  return typeof low === "number" ? ` from ${low}` : ` ${low}`;
}

function defaultOf(schema: Schema, required: boolean): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? "**required**" : "";
}
