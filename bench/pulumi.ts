import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { execa } from "execa";

import { paths } from "../lab/paths";
import { pulumiDone } from "../test/support/engine";
import { installationBefore } from "../test/support/lab";
import { cutoverByHand } from "./deploy";
import { alternately, secondsIn } from "./process";
import { describeMachine, record, say } from "./results";

const goals = { fresh: 1, above: 1 };
const up = ["up", "--yes", "--skip-preview"];

/**
 * The same deploys through the Pulumi CLI, less what the same CLI needs for an empty program: the share that is ours.
 * Left out where there is no CLI. Leaves the lab as it is before a cutover.
 * @param args the number of pairs. Default: 3
 */
export async function benchPulumi([given = "3"]: readonly string[]): Promise<void> {
  const rounds = Number(given);
  let lab = await installationBefore("jsonb");
  const { command } = lab.engine;
  if (command === undefined) {
    say(`pulumi: left out, because ${lab.engine.reason ?? "there is no Pulumi CLI"}`);
    return;
  }
  say(describeMachine({ engine: lab.engine.name }));
  const empty = emptyProgram(command);
  await empty.run(up);
  const fresh = await alternately(
    rounds,
    async () => {
      lab = await installationBefore("jsonb");
      // Writes the stack's configuration, which is no part of an update.
      await lab.preview("in-cluster");
      const whole = await secondsIn(() => pulumiDone(up));
      return whole - (await secondsIn(() => empty.run(up)));
    },
    async () => cutoverByHand(await installationBefore("jsonb")),
  );
  record("pulumi up, whole cutover above an empty program, by hand", "s", goals.fresh, fresh);
  lab = await installationBefore("jsonb");
  await lab.up("in-cluster");
  for (const [name, args] of Object.entries({ up, preview: ["preview"] })) {
    const pairs = await alternately(
      Math.max(rounds, 5),
      () => secondsIn(() => pulumiDone(args)),
      () => secondsIn(() => empty.run(args)),
    );
    record(
      `pulumi ${name}, nothing to do, above an empty program`,
      "s",
      goals.above,
      pairs.map(({ ours, peer }) => ({ ours: ours - peer, peer: 1 })),
    );
  }
  empty.remove();
  await installationBefore("jsonb");
}

/** A program that makes nothing, with a backend of its own and the same packages to load. */
function emptyProgram(command: string): {
  run: (args: readonly string[]) => Promise<void>;
  remove: () => void;
} {
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-empty-"));
  const backend = join(directory, "backend");
  mkdirSync(backend);
  writeFileSync(join(directory, "Pulumi.yaml"), "name: empty\nruntime: nodejs\nmain: index.js\n");
  writeFileSync(join(directory, "package.json"), '{ "name": "empty", "private": true }\n');
  writeFileSync(join(directory, "index.js"), 'require("@pulumi/pulumi");\n');
  symlinkSync(join(paths.projectDir, "node_modules"), join(directory, "node_modules"));
  const call = async (args: readonly string[]): Promise<void> => {
    await execa(command, [...args, "--non-interactive", "--color", "never"], {
      cwd: directory,
      env: {
        PULUMI_BACKEND_URL: `file://${backend}`,
        PULUMI_CONFIG_PASSPHRASE: "empty",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
      },
      timeout: 120_000,
    });
  };
  let made: Promise<void> | undefined;
  return {
    async run(args) {
      made ??= call(["stack", "select", "--create", "--stack", "empty"]);
      await made;
      await call([...args, "--stack", "empty"]);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
