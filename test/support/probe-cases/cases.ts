import { bodies } from "./bodies";
import type { ProbeCase } from "./case";
import { introductions } from "./introductions";
import { lists } from "./lists";
import { modernCases } from "./modern";
import { streams } from "./streams";

export * from "./case";

/** Every case, each of which every client is asked about. */
export const probeCases: readonly ProbeCase[] = [
  ...introductions,
  ...lists,
  ...bodies,
  ...streams,
  ...modernCases,
];
