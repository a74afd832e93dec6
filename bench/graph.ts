import { writeFileSync } from "node:fs";

import { logLogChart } from "./chart";
import type { GraphAnswer } from "./graph-worker";
import { askWorker } from "./process";
import { median, record, say } from "./results";

const sizes = [10, 100, 1000];
/** Ten times the servers may take a little more than ten times as long. */
const growthGoal = 12;
const memoryMiB = 1024;

/**
 * How long the program takes to describe a stack, by number of servers, and how much memory: no cluster, no
 * database, no CLI.
 * @param args how many rounds. Default: 5
 */
export function benchGraph([given = "5"]: readonly string[]): Promise<void> {
  const answers = new Map<number, GraphAnswer[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < Number(given); round += 1)
    for (const size of sizes)
      answers.get(size)?.push(askWorker<GraphAnswer>("graph-worker.js", String(size)));
  const of = (size: number, what: keyof GraphAnswer): number[] =>
    (answers.get(size) ?? []).map((answer) => answer[what]);
  const [, some = 0, most = 0] = sizes;
  const pairs = of(most, "seconds").map((ours, i) => ({ ours, peer: of(some, "seconds")[i] ?? 0 }));
  record(`graph, ${most} servers against ${some}`, "s", growthGoal, pairs);
  record(
    `memory of the graph, ${most} servers`,
    "MiB",
    1,
    of(most, "maxRssMiB").map((ours) => ({ ours, peer: memoryMiB })),
  );
  for (const size of sizes)
    say(
      `  ${size} servers: ${median(of(size, "resources"))} resources, ${median(of(size, "seconds")).toFixed(2)} s`,
    );
  writeFileSync(
    "docs/graph-time.svg",
    logLogChart("Time of the program, by servers", { x: "servers", y: "seconds" }, [
      {
        name: "program",
        color: "#0b6",
        points: sizes.map((size) => [size, median(of(size, "seconds"))] as const),
      },
    ]),
  );
  return Promise.resolve();
}
