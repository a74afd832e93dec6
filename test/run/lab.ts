import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

import { messageOf } from "@mcp-fleet/errors";

import { ensureCluster, offeredEngine } from "../../lab/cluster";
import { findEngine } from "../../lab/engine";
import { ensureImages, imageNames } from "../../lab/images";
import { consoleLog } from "../../lab/log";
import { machineBefore, machineFile } from "../support/machine";
import { add, type Counts, failure, none } from "./counts";
import { type Part, runMocha } from "./mocha";

const directory = "dist/test/lab";
/** The one that looks at the machine once all others are done. */
const last = "machine";

/** Files that take minutes, longest first: a long one that starts last is waited for. */
const long = [
  ...[
    "in-cluster",
    "gate",
    "walk",
    "cutover",
    "walk-howto",
    "servers",
    "lab-stack",
    "day-two",
    "refusals options",
    "charts mesh",
  ],
  ...["exporter", "examples", "lifecycle", "manager", "external-secrets"],
];

/**
 * The files of the rung as they are taken. Names in one string share a process: they use one installation, or one
 * CustomResourceDefinition.
 */
function parts(): Part[] {
  const names = readdirSync(directory).flatMap((file) => /^(.*)\.test\.js$/.exec(file)?.[1] ?? []);
  const short = names.filter((name) => !long.join(" ").split(" ").includes(name));
  return [...long, ...short].filter((name) => name !== last).map(part);
}

const part = (names: string): Part => ({
  name: names,
  files: names.split(" ").map((name) => `${directory}/${name}.test.js`),
  limit: 40,
});

/** Streams that the machine carries: most of the time pods are waited for. */
const streams = availableParallelism() >= 2 && totalmem() >= 12 * 1024 ** 3 ? 2 : 1;

/**
 * Runs the rung on the lab: each stream takes the next part, and has an installation of its own.
 *
 * @param before parts that need no lab and run in the same streams
 */
export async function runLab(
  scratch: string,
  before: readonly Part[],
  print: (text: string) => void,
): Promise<Counts> {
  const machine = join(scratch, "machine.json");
  try {
    writeFileSync(machine, JSON.stringify((await machineBefore()) ?? null));
    const log = consoleLog();
    await findEngine(log);
    await ensureImages(await ensureCluster(log), log, imageNames);
  } catch (error) {
    return failure(`there is no lab to run on: ${messageOf(error)}`);
  }
  const env = { [machineFile]: machine };
  const queue = [...before, ...parts()];
  let total = none;
  const run = async (next: Part, installation: number): Promise<void> => {
    const output = join(scratch, `${next.name}.log`);
    const started = Date.now();
    const own: Record<string, string> =
      installation === 0 ? {} : { LAB_INSTALLATION: String(installation) };
    const counts = await runMocha(next, { scratch, output, env: { ...env, ...own } });
    const seconds = Math.round((Date.now() - started) / 1000);
    print(`\n== ${next.name} (${seconds} s) ==\n${readFileSync(output, "utf8")}`);
    total = add(total, next.name, counts);
  };
  const stream = async (_: unknown, number: number): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await run(next, number);
    }
  };
  await Promise.all(Array.from({ length: streams }, stream));
  await run(part(last), 0);
  return total;
}

/**
 * Why no lab is possible on this machine; undefined where one is. It is a failure in CI, because nothing would show that
 * the whole path works.
 */
export async function noLab(): Promise<string | undefined> {
  if ((await offeredEngine()) !== undefined) return undefined;
  return "this machine offers no Kubernetes (name one in LAB_KUBECONFIG, start a container engine, or run as root on Linux)";
}
