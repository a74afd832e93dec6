import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { endProcess } from "./processes";

/** The control group that every pod of the lab is under, so that all of it can be found again. */
export const cgroupRoot = "/mcp-fleet-lab";

/** Where control group hierarchies are mounted: one for each controller (v1), one for all (v2), or both. */
export function hierarchies(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup" || fields[2] === "cgroup2")
    .map((fields) => fields[1] ?? "");
}

/** Makes the lab's control group in every hierarchy; the kubelet insists that its root exists. */
export function makeCgroups(): void {
  for (const mount of hierarchies()) {
    const controllers = join(mount, "cgroup.subtree_control");
    if (existsSync(controllers)) {
      for (const name of readFileSync(join(mount, "cgroup.controllers"), "utf8")
        .trim()
        .split(/\s+/)) {
        if (name !== "") writeQuietly(controllers, `+${name}`);
      }
    }
    const group = join(mount, cgroupRoot);
    mkdirSync(group, { recursive: true });
    // A new v1 cpuset group is empty, and takes no process until it has processors and memory nodes.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (existsSync(join(mount, file)) && existsSync(join(group, file))) {
        writeQuietly(join(group, file), readFileSync(join(mount, file), "utf8"));
      }
    }
  }
}

/** Ends what still runs in the lab's control groups and removes them. */
export async function removeCgroups(): Promise<void> {
  const groups = hierarchies().map((mount) => join(mount, cgroupRoot));
  await Promise.all(
    [...new Set(groups.flatMap((group) => processesIn(group)))].map((pid) => endProcess(pid, 0)),
  );
  const deadline = Date.now() + 5000;
  while (!groups.map(removeTree).every(Boolean) && Date.now() < deadline) await sleep(50);
}

function processesIn(group: string): number[] {
  if (!existsSync(group)) return [];
  const own = readFileSync(join(group, "cgroup.procs"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map(Number);
  return [...own, ...children(group).flatMap((child) => processesIn(child))];
}

/** Removes a control group and those under it; false while the kernel still holds one for an ending process. */
function removeTree(group: string): boolean {
  if (!existsSync(group)) return true;
  children(group).forEach(removeTree);
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

const children = (group: string): string[] =>
  readdirSync(group, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(group, entry.name));

function writeQuietly(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // The kernel refuses what does not apply here; the kubelet reports what it then lacks.
  }
}
