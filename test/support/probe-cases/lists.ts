import { everybody, type ProbeCase, typescriptClients } from "./case";
import { type Stub, tool } from "./stub";

const ts = typescriptClients;

const withTool = (changes: object): Stub => ({
  tools: () => ({ tools: [{ ...tool, ...changes }] }),
});

/** The list of tools. */
export const lists: readonly ProbeCase[] = [
  {
    what: "a tool whose `inputSchema` is null",
    stub: withTool({ inputSchema: null }),
    refusedBy: everybody,
    says: /tool 1 "search", inputSchema: expected object, received null/,
  },
  {
    what: "a tool without `inputSchema`",
    stub: withTool({ inputSchema: undefined }),
    refusedBy: everybody,
    says: /tool 1 "search", inputSchema: /,
  },
  {
    what: "a tool whose `inputSchema` is an array",
    stub: withTool({ inputSchema: [] }),
    refusedBy: everybody,
    says: /inputSchema: expected object, received array/,
  },
  {
    what: "a tool whose `inputSchema` is a text",
    stub: withTool({ inputSchema: "object" }),
    refusedBy: everybody,
    says: /inputSchema: expected object, received string/,
  },
  {
    what: "a tool whose `inputSchema` is empty",
    stub: withTool({ inputSchema: {} }),
    refusedBy: [...ts, "mcp 2"],
    says: /inputSchema\.type: /,
  },
  {
    what: "a tool whose `inputSchema` is of type string",
    stub: withTool({ inputSchema: { type: "string" } }),
    refusedBy: [...ts, "mcp 2"],
    says: /inputSchema\.type: /,
  },
  {
    what: "a tool with a property of schema `true`",
    stub: withTool({ inputSchema: { type: "object", properties: { q: true } } }),
    refusedBy: ["sdk 1"],
    says: /inputSchema\.properties\.q: /,
  },
  {
    what: "a tool whose `required` is a text",
    stub: withTool({ inputSchema: { type: "object", required: "q" } }),
    refusedBy: [...ts, "mcp 2"],
    says: /inputSchema\.required: /,
  },
  {
    what: "a tool whose `outputSchema` is an array of its own",
    stub: withTool({ outputSchema: { type: "array" } }),
    refusedBy: [...ts, "mcp 2"],
    says: /outputSchema\.type: /,
  },
  {
    what: "null for a tool's `description`",
    stub: withTool({ description: null }),
    refusedBy: ts,
    says: /description: /,
  },
  {
    what: "a tool without a name",
    stub: withTool({ name: undefined }),
    refusedBy: everybody,
    says: /tool 1, name: /,
  },
  {
    what: "a text for `annotations.readOnlyHint`",
    stub: withTool({ annotations: { readOnlyHint: "yes" } }),
    refusedBy: ts,
    says: /annotations\.readOnlyHint: /,
  },
  {
    what: "an array for a tool's `properties`",
    stub: withTool({ inputSchema: { type: "object", properties: [] } }),
    refusedBy: [...ts, "mcp 2"],
    says: /inputSchema\.properties: /,
  },
  {
    what: "an `outputSchema` with a reference to nowhere",
    stub: withTool({
      outputSchema: { type: "object", properties: { a: { $ref: "#/$defs/none" } } },
    }),
    refusedBy: ["sdk 1"],
    says: /outputSchema/,
  },
  {
    what: "an `inputSchema` with a reference to nowhere",
    stub: withTool({
      inputSchema: { type: "object", properties: { a: { $ref: "#/$defs/none" } } },
    }),
  },
  {
    what: "an `outputSchema` of an unknown dialect",
    stub: withTool({ outputSchema: { $schema: "https://example.com/schema", type: "object" } }),
  },
  {
    what: "an `outputSchema` of draft 7",
    stub: withTool({
      outputSchema: { $schema: "http://json-schema.org/draft-07/schema#", type: "object" },
    }),
  },
  {
    what: "an `outputSchema` of draft 2020-12",
    stub: withTool({
      outputSchema: { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" },
    }),
  },
  {
    what: "an `outputSchema` whose property has an unknown type",
    stub: withTool({ outputSchema: { type: "object", properties: { a: { type: "text" } } } }),
    refusedBy: ["sdk 1"],
    says: /outputSchema/,
  },
  {
    what: "a text for `icons`",
    stub: withTool({ icons: "a.png" }),
    refusedBy: everybody,
    says: /icons: /,
  },
  { what: "the same tool twice", stub: { tools: () => ({ tools: [tool, tool] }) } },
  { what: "an unknown key in a tool", stub: withTool({ extra: 1 }) },
  {
    what: "an object for `tools`",
    stub: { tools: () => ({ tools: {} }) },
    refusedBy: everybody,
    says: /tools: expected array, received object/,
  },
  {
    what: "no `tools` in the result",
    stub: { tools: () => ({}) },
    refusedBy: everybody,
    says: /tools: /,
  },
  {
    what: "an empty cursor as the end",
    stub: { tools: (result) => ({ ...result, nextCursor: "" }) },
  },
  {
    what: "null for `nextCursor`",
    stub: { tools: (result) => ({ ...result, nextCursor: null }) },
    refusedBy: ts,
    says: /nextCursor: /,
  },
  {
    what: "a number for `nextCursor`",
    stub: { tools: (result) => ({ ...result, nextCursor: 2 }) },
    refusedBy: everybody,
    says: /nextCursor: /,
  },
  {
    what: "two pages",
    stub: {
      tools: (result, { cursor }) =>
        cursor === undefined ? { ...result, nextCursor: "2" } : result,
    },
  },
];
