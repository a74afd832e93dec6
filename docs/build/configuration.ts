import { jsonSchemaOf, stackSchema } from "@mcp-fleet/schema";

import { meaningOf, type Schema, typeOf } from "./configuration-text";

interface Row {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
  /** Where its keys are explained already. */
  readonly as: readonly string[];
}

/** The rows of what is inside of a key. */
interface Inside {
  readonly rows: readonly Row[];
  /** Where the rest of it is explained already. */
  readonly as: readonly string[];
}

const head = `# Configuration

Every key of a stack, as \`packages/schema\` checks it; this page is generated from there (\`npm run docs\`). Keys are set
under \`mcp-fleet:\` in \`Pulumi.<stack>.yaml\`. \`<key>\` stands for a name of your own, \`[]\` for an item of a list.

A key with several forms shows each by the keys that it needs: \`{secret, key, …}\`. What is required inside of a form is
required in that form only. What has the same keys in several places is explained in the first, and referred to in the
others. \`text\` is a string, a whole number, \`true\` or \`false\`.

Four more keys are secrets: \`databaseUrl\`, \`studioSecrets.<KEY>\`, \`serverSecrets.<server>.<KEY>\` and \`meshDatabaseUrl\`
(\`pulumi config set --secret --path ...\`). The first two can be another stack's outputs: \`shared\`.
`;

/** The configuration reference as Markdown. */
export function configurationReference(): string {
  const schema = jsonSchemaOf(stackSchema, "ref") as Schema;
  const reference = new Reference(schema.$defs ?? {});
  const sections = Object.entries(schema.properties ?? {}).map(([key, inner]) => {
    const rows = reference.rowsOf(key, inner, schema.required?.includes(key) ?? false);
    const table = rows.map((row) => `| ${reference.cells(row, row.path === key).join(" | ")} |`);
    return [
      `## ${key}`,
      meaningOf({ description: reference.resolved(inner).description }, []),
      `| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${[...new Set(table)].join("\n")}`,
    ].join("\n\n");
  });
  return `${[head.trimEnd(), ...sections].join("\n\n")}\n`;
}

/** Walks a schema and explains each of its parts once. */
class Reference {
  /** Reference of a part with keys -> the path under which they are explained. */
  private readonly explained = new Map<string, string>();

  constructor(private readonly definitions: Readonly<Record<string, Schema>>) {}

  rowsOf(path: string, schema: Schema, required: boolean): Row[] {
    const { rows, as } = this.inside(path, schema);
    return [{ path, schema: this.resolved(schema), required, as }, ...rows];
  }

  /** The cells of a row; the section says by itself what its own key is for. */
  cells({ path, schema, required, as }: Row, isSection: boolean): string[] {
    const { description: _, ...rest } = schema;
    return [
      `\`${path}\``,
      typeOf(schema, (one) => this.resolved(one)),
      defaultOf(schema, required),
      meaningOf(isSection ? rest : schema, as),
    ];
  }

  /** A schema with what it refers to. */
  resolved(schema: Schema): Schema {
    const { $ref, ...own } = schema;
    return $ref === undefined ? schema : { ...this.resolved(this.definition($ref)), ...own };
  }

  private inside(path: string, schema: Schema): Inside {
    const references = this.referencesOf(schema);
    const known = references.map((one) => this.explained.get(one)).find((one) => one !== undefined);
    if (known !== undefined) return { rows: [], as: [known] };
    const found = this.parts(path, this.resolved(schema));
    const inside = {
      rows: found.flatMap(({ rows }) => rows),
      as: [...new Set(found.flatMap(({ as }) => as))],
    };
    if (inside.rows.length + inside.as.length > 0)
      for (const one of references) this.explained.set(one, path);
    return inside;
  }

  private parts(path: string, schema: Schema): Inside[] {
    const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => ({
      rows: this.rowsOf(`${path}.${key}`, field, schema.required?.includes(key) ?? false),
      as: [],
    }));
    const { items, additionalProperties: entries } = schema;
    return [
      ...fields,
      ...(items === undefined ? [] : [this.inside(`${path}[]`, items)]),
      ...(typeof entries === "object" ? [this.inside(`${path}.<key>`, entries)] : []),
      ...forms.map((form) => this.inside(path, form)),
    ];
  }

  /** What a schema refers to, and what that refers to. */
  private referencesOf({ $ref }: Schema): string[] {
    return $ref === undefined ? [] : [$ref, ...this.referencesOf(this.definition($ref))];
  }

  private definition(reference: string): Schema {
    return this.definitions[reference.replace("#/$defs/", "")] ?? {};
  }
}

function defaultOf(schema: Schema, required: boolean): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? "**required**" : "";
}
