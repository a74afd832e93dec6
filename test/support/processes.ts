import { execFileSync } from "node:child_process";

/** Kills a process and everything it started: the CLI puts its plugins in process groups of their own. */
export function killTree(pid: number): void {
  for (const id of withDescendants(pid)) process.kill(id, "SIGKILL");
}

function withDescendants(id: number): number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  const pairs = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const children = pairs.flatMap(([child = 0, parent]) => (parent === id ? [child] : []));
  return [id, ...children.flatMap(withDescendants)];
}
