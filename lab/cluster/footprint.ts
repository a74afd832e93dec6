import { readdirSync, readFileSync, readlinkSync } from "node:fs";

import { onPath, run } from "../exec";
import { paths } from "../paths";
import { hierarchies } from "./cgroups";
import { readKernelSettings } from "./network";

/** What the lab could leave on a machine; two of these from before `make up` and after `make down` are equal. */
export interface Footprint {
  /** Mounted file systems: type and target. */
  readonly mounts: readonly string[];
  /** Network interfaces and their addresses. */
  readonly links: readonly string[];
  readonly routes: readonly string[];
  readonly nft: readonly string[];
  readonly iptables: readonly string[];
  readonly ipsets: readonly string[];
  /** Processes of the lab: run from its cache directory, or told of it on their command line. */
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
  readonly kernel: Readonly<Record<string, string>>;
}

/** Takes stock of this machine. Nothing is changed. */
export async function footprint(): Promise<Footprint> {
  const [links, routes, nft, iptables, ipsets] = await Promise.all([
    lines("ip", ["-brief", "address"]),
    lines("ip", ["route"]),
    lines("nft", ["list", "ruleset"]),
    lines("iptables-save", []),
    lines("ipset", ["list", "-name"]),
  ]);
  return {
    mounts: readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" ").slice(1, 3).join(" "))
      .sort(),
    // Without the state column, which changes by itself.
    links: links
      .map((line) =>
        line
          .trim()
          .replace(/\s+\S+/, "")
          .replace(/\s+/g, " "),
      )
      .sort(),
    routes: routes.sort(),
    nft,
    // The counters and the time in the comments are not rules.
    iptables: iptables
      .filter((line) => !line.startsWith("#"))
      .map((l) => l.replace(/\[\d+:\d+\]/, "")),
    ipsets,
    processes: labProcesses(),
    cgroups: hierarchies().flatMap((dir) => directories(dir).map((name) => `${dir}/${name}`)),
    kernel: readKernelSettings(),
  };
}

/** The differences between two footprints, one line each: `- ` gone, `+ ` left over. Empty when equal. */
export function compareFootprints(before: Footprint, after: Footprint): string[] {
  const flat = (print: Footprint): string[] =>
    Object.entries(print).flatMap(([part, value]) =>
      (Array.isArray(value)
        ? (value as string[])
        : Object.entries(value as object).map(String)
      ).map((line) => `${part}: ${line}`),
    );
  const [first, second] = [flat(before), flat(after)];
  return [
    ...first.filter((line) => !second.includes(line)).map((line) => `- ${line}`),
    ...second.filter((line) => !first.includes(line)).map((line) => `+ ${line}`),
  ];
}

async function lines(command: string, args: readonly string[]): Promise<string[]> {
  if (!(await onPath(command))) return [];
  return (await run(command, args, { timeoutSeconds: 20 })).split("\n").filter((l) => l !== "");
}

/** Without this process, those that started it, and anything that is only a command that names the cache. */
function labProcesses(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const program = readlinkSync(`/proc/${pid}/exe`);
        const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const ofLab = program.startsWith(`${paths.bin}/`) || program.startsWith(paths.run);
        const runtime = /containerd|\/runc$|postgres$/.test(program);
        const told = argv.some((argument) => argument.includes(paths.run));
        return ofLab || (runtime && told) ? [argv.join(" ").trim()] : [];
      } catch {
        return [];
      }
    })
    .sort();
}

const directories = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
