import { everybody, type ProbeCase, pythonClients, typescriptClients } from "./case";
import type { Stub } from "./stub";

const ts = typescriptClients;

const without = (key: string): Stub => ({
  initialize: (result) =>
    Object.fromEntries(Object.entries(result).filter(([name]) => name !== key)),
});
const saying = (changes: object): Stub => ({
  initialize: (result) => ({ ...result, ...changes }),
});

/** Initialization and its result. */
export const introductions: readonly ProbeCase[] = [
  { what: "a right answer", stub: {} },
  {
    what: "an array for `capabilities`",
    stub: saying({ capabilities: [] }),
    refusedBy: everybody,
    says: /capabilities: expected object, received array/,
  },
  {
    what: "null for `capabilities`",
    stub: saying({ capabilities: null }),
    refusedBy: everybody,
    says: /capabilities: expected object/,
  },
  {
    what: "no `capabilities`",
    stub: without("capabilities"),
    refusedBy: everybody,
    says: /capabilities: /,
  },
  {
    what: "null for `capabilities.tools`",
    stub: saying({ capabilities: { tools: null } }),
    refusedBy: ts,
    says: /capabilities\.tools: /,
  },
  {
    what: "an array for `capabilities.logging`",
    stub: saying({ capabilities: { tools: {}, logging: [] } }),
    refusedBy: ["client 2", "mcp 1", "mcp 2"],
    says: /capabilities\.logging: /,
  },
  {
    what: "no `tools` in `capabilities`, but a list",
    stub: saying({ capabilities: {} }),
    emptyFor: ["client 2"],
  },
  {
    what: "no `serverInfo`",
    stub: without("serverInfo"),
    refusedBy: everybody,
    says: /serverInfo: /,
  },
  {
    what: "a `serverInfo` without a version",
    stub: saying({ serverInfo: { name: "stub" } }),
    refusedBy: everybody,
    says: /serverInfo\.version: /,
  },
  {
    what: "no `protocolVersion`",
    stub: without("protocolVersion"),
    refusedBy: everybody,
    says: /protocolVersion: /,
  },
  {
    what: "a `protocolVersion` that nobody knows",
    stub: saying({ protocolVersion: "1999-01-01" }),
    refusedBy: everybody,
    says: /protocol version "1999-01-01", which is none of/,
  },
  {
    what: "null for `instructions`",
    stub: saying({ instructions: null }),
    refusedBy: ts,
    says: /instructions: /,
  },
  {
    what: "the `protocolVersion` 2024-10-07",
    stub: saying({ protocolVersion: "2024-10-07" }),
    refusedBy: pythonClients,
    says: /"2024-10-07", which is none of/,
  },
  {
    what: "a text for `capabilities.tools`",
    stub: saying({ capabilities: { tools: "yes" } }),
    refusedBy: everybody,
    says: /capabilities\.tools: /,
  },
  { what: "an unknown key in the result", stub: saying({ extra: 1 }) },
];
