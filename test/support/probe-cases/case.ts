import type { Stub } from "./stub";

/** The official clients, by what they are published as. */
export type Client = "sdk 1" | "client 2" | "mcp 1" | "mcp 2";
export const typescriptClients: readonly Client[] = ["sdk 1", "client 2"];
export const pythonClients: readonly Client[] = ["mcp 1", "mcp 2"];

/** One kind of answer, and which clients reject it. The tests ask every client. */
export interface ProbeCase {
  /** What the server does, as in `docs/probe.md`. */
  readonly what: string;
  readonly stub: Stub;
  /**
   * Clients that reject it.
   * @default none
   */
  readonly refusedBy?: readonly Client[];
  /**
   * Clients that accept it and see no tools.
   * @default none
   */
  readonly emptyFor?: readonly Client[];
  /**
   * Whether the probe rejects it although every client accepts it.
   * @default false
   */
  readonly stricter?: boolean;
  /** The probe's message. Required if any client rejects it. */
  readonly says?: RegExp;
}

/** The clients of the server's versions: only the second major versions speak 2026-07-28. */
export function clientsOf({ stub }: ProbeCase): readonly Client[] {
  return stub.modern === true ? ["client 2", "mcp 2"] : everybody;
}

/** Every official client. */
export const everybody: readonly Client[] = [...typescriptClients, ...pythonClients];

/** Whether the probe accepts a server with this answer. */
export function passes({ refusedBy = [], stricter = false }: ProbeCase): boolean {
  return refusedBy.length === 0 && !stricter;
}

/** The rows of the table in `docs/probe.md`, as cells: what the server does, who refuses it, what the probe does. */
export function caseCells(cases: readonly ProbeCase[]): readonly string[][] {
  return cases.map((one) => {
    const { what, refusedBy = [], emptyFor = [] } = one;
    const clients = refusedBy.length === clientsOf(one).length ? "all" : refusedBy.join(", ");
    const empty = emptyFor.length === 0 ? "" : `; ${emptyFor.join(", ")} sees no tools`;
    const refusing = clients === "" ? "none" : clients;
    return [what, refusing + empty, passes(one) ? "passes" : "refused"];
  });
}
