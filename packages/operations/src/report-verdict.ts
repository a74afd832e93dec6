import type { LedgerState } from "@mcp-fleet/row-cutover";

import type { CutoverReport } from "./report";

/** The state of a cutover, and what to do about it. */
export interface Verdict {
  /** `good`: complete. `open`: not complete yet. `bad`: something is wrong now. `past`: a later run followed. */
  readonly state: "good" | "open" | "bad" | "past";
  /** One sentence. */
  readonly text: string;
  /** Possible or necessary steps, the first one first. */
  readonly next: readonly Step[];
}

/** A step for a person, with its command if there is one. */
export interface Step {
  readonly what: string;
  readonly command?: string;
}

/** The verdict from the ledger, the engine's history and the cluster. */
export function verdictOf({
  run,
  newest,
  update,
  servers = [],
}: Pick<CutoverReport, "run" | "newest" | "update" | "servers">): Verdict {
  const stack = stackOption(run);
  if (run.generation < newest) {
    return {
      state: "past",
      text: `Generation ${run.generation} was followed by generation ${newest}.`,
      next: [
        {
          what: "See how things stand now",
          command: `mcp-fleet report ${stack} --generation ${newest}`,
        },
      ],
    };
  }
  const done = doneIn(run);
  if (run.settledAt === undefined) {
    const failed = update?.succeeded === false ? ", and the update that did it failed" : "";
    return {
      state: "open",
      text: `${done} The application's rollout has not ended${failed}: old pods or the write fence are still there.`,
      next: [
        { what: "Run the program again; it goes on from here", command: `pulumi up ${stack}` },
        { what: "Or only wait for the last old pod", command: `mcp-fleet settle ${stack}` },
        { what: "Or go back", command: `mcp-fleet rollback ${stack}` },
      ],
    };
  }
  const troubled = servers.filter(({ status }) => status !== "running" && status !== "stopped");
  const [first] = troubled;
  if (first !== undefined) {
    const names = troubled.map(({ name, status }) => `${name} is ${status}`).join(", ");
    return {
      state: "bad",
      text: `${done} It settled, but now ${names}.`,
      next: [
        {
          what: first.reason ?? "See what keeps it",
          command: `mcp-fleet status ${first.name} -n ${first.namespace}`,
        },
        { what: "See whether its consumers are served", command: `mcp-fleet verify ${stack}` },
      ],
    };
  }
  return {
    state: "good",
    text: `${done} It is settled: no old pod is left.`,
    next: afterwards(run),
  };
}

function doneIn({ target, counts }: LedgerState): string {
  const written = Object.entries(counts)
    .filter(([what, count]) => what !== "unchanged" && count > 0)
    .reduce((sum, [, count]) => sum + count, 0);
  const rows = written === 1 ? "1 row" : `${written} rows`;
  return target === "in-cluster"
    ? `Cut over: ${rows} written, which lead to the servers in the cluster.`
    : `Taken back: ${rows} written, which lead to the application's own servers.`;
}

function afterwards(run: LedgerState): Step[] {
  const stack = stackOption(run);
  const check = {
    what: "Nothing has to be done. To check it",
    command: `mcp-fleet verify ${stack}`,
  };
  if (run.target === "embedded") return [check];
  if (run.finalizedAt !== undefined) {
    return [check, { what: "A rollback is impossible: the undo data was discarded." }];
  }
  return [
    check,
    { what: "To roll back", command: `mcp-fleet rollback ${stack}` },
    {
      what: "Once it is not wanted any more",
      command: `mcp-fleet finalize ${stack} --generation ${run.generation} --yes`,
    },
  ];
}

/** The ledger has `organization/project/stack`; the commands run in the project. */
function stackOption({ stack }: LedgerState): string {
  const name = stack.split("/").at(-1) ?? "";
  return /^[\w.-]+$/.test(name) ? `--stack ${name}` : "--stack <stack>";
}
