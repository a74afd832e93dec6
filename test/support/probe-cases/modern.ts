import type { Client, ProbeCase } from "./case";
import { type Stub, tool } from "./stub";

const both: readonly Client[] = ["client 2", "mcp 2"];

const right: Stub = { modern: true };
const withTool = (changes: object): Stub => listing({ tools: [{ ...tool, ...changes }] });
const listing = (changes: object): Stub => ({
  modern: true,
  tools: (result) => ({ ...result, ...changes }),
});
const discovering = (changes: object): Stub => ({
  modern: true,
  discover: (result) => ({ ...result, ...changes }),
});

/** Servers of 2026-07-28. Only the second major versions of the clients speak it. */
export const modernCases: readonly ProbeCase[] = [
  { what: "a right answer to `server/discover`", stub: right },
  {
    what: "an array for `capabilities` to `server/discover`",
    stub: discovering({ capabilities: [] }),
    refusedBy: both,
    says: /capabilities: expected object, received array/,
  },
  {
    what: "a text for `supportedVersions`",
    stub: discovering({ supportedVersions: "2026-07-28" }),
    refusedBy: both,
    says: /supportedVersions: expected array/,
  },
  {
    what: "no `resultType` to `server/discover`",
    stub: discovering({ resultType: undefined }),
  },
  {
    what: "a list without `resultType`",
    stub: listing({ resultType: undefined }),
    refusedBy: both,
    says: /resultType: expected "complete"/,
  },
  {
    what: "a list whose `resultType` is another",
    stub: listing({ resultType: "task" }),
    refusedBy: ["client 2"],
    says: /resultType: expected "complete"/,
  },
  {
    what: "a list without `ttlMs`",
    stub: listing({ ttlMs: undefined }),
    refusedBy: both,
    says: /ttlMs: expected a whole number/,
  },
  {
    what: "a list with a text for `ttlMs`",
    stub: listing({ ttlMs: "5" }),
    refusedBy: ["client 2"],
    says: /ttlMs: expected a whole number/,
  },
  {
    what: "a list with a `ttlMs` below 0",
    stub: listing({ ttlMs: -5 }),
    refusedBy: ["client 2"],
    says: /ttlMs: expected a whole number/,
  },
  {
    what: "a list with a `ttlMs` of 1.5",
    stub: listing({ ttlMs: 1.5 }),
    refusedBy: both,
    says: /ttlMs: expected a whole number/,
  },
  {
    what: "a list without `cacheScope`",
    stub: listing({ cacheScope: undefined }),
    refusedBy: both,
    says: /cacheScope: expected/,
  },
  {
    what: "a tool of 2026-07-28 whose `inputSchema` is null",
    stub: withTool({ inputSchema: null }),
    refusedBy: both,
    says: /inputSchema: expected object, received null/,
  },
  {
    what: "a tool of 2026-07-28 whose `outputSchema` is of type array",
    stub: withTool({ outputSchema: { type: "array" } }),
  },
  {
    what: "a tool of 2026-07-28 with a property of schema `true`",
    stub: withTool({ inputSchema: { type: "object", properties: { q: true } } }),
  },
];
