import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { paths } from "../lab/paths";
import { installationBefore } from "../test/support/lab";
import { ScratchBackend } from "../test/support/scratch-backend";
import { cutoverByHand } from "./deploy";
import { alternately, secondsIn } from "./process";
import { describeMachine, record, say } from "./results";

const goals = { fresh: 1, above: 1 };
const up = ["up", "--yes", "--skip-preview"];
const limit = { timeoutSeconds: 600 };

/**
 * The same deploys through the Pulumi CLI, less what the same CLI needs for an empty program: the share that is ours.
 * Leaves the lab as it is before a cutover.
 * @param args the number of pairs. Default: 3
 */
export async function benchPulumi([given = "3"]: readonly string[]): Promise<void> {
  const rounds = Number(given);
  let lab = await installationBefore("jsonb");
  say(describeMachine({ Pulumi: lab.engine.version }));
  const backend = new ScratchBackend(lab.engine);
  const empty = await emptyProgram(backend);
  await empty(up);
  const fresh = await alternately(
    rounds,
    async () => {
      lab = await installationBefore("jsonb");
      // Writes the stack's configuration, which is no part of an update.
      await lab.preview("in-cluster");
      const whole = await secondsIn(() => lab.stack.ask(up, limit));
      return whole - (await secondsIn(() => empty(up)));
    },
    async () => cutoverByHand(await installationBefore("jsonb")),
  );
  record("pulumi up, whole cutover above an empty program, by hand", "s", goals.fresh, fresh);
  lab = await installationBefore("jsonb");
  await lab.up("in-cluster");
  for (const [name, args] of Object.entries({ up, preview: ["preview"] })) {
    const pairs = await alternately(
      Math.max(rounds, 5),
      () => secondsIn(() => lab.stack.ask(args, limit)),
      () => secondsIn(() => empty(args)),
    );
    record(
      `pulumi ${name}, nothing to do, above an empty program`,
      "s",
      goals.above,
      pairs.map(({ ours, peer }) => ({ ours: ours - peer, peer: 1 })),
    );
  }
  backend.remove();
  await installationBefore("jsonb");
}

/** Runs the CLI with a program that makes nothing and has the same packages to load. */
async function emptyProgram(
  backend: ScratchBackend,
): Promise<(args: readonly string[]) => Promise<void>> {
  const directory = join(backend.directory, "empty");
  mkdirSync(directory);
  writeFileSync(join(directory, "Pulumi.yaml"), "name: empty\nruntime: nodejs\nmain: index.js\n");
  writeFileSync(join(directory, "package.json"), '{ "name": "empty", "private": true }\n');
  writeFileSync(join(directory, "index.js"), 'require("@pulumi/pulumi");\n');
  symlinkSync(join(paths.projectDir, "node_modules"), join(directory, "node_modules"));
  await backend.stackOf(directory, "empty");
  return async (args) => {
    const { exitCode, all } = await backend.start(directory, [...args, "--stack", "empty"]);
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}: ${all}`);
  };
}
