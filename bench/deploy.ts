import { type ConfigOverrides, labServers } from "../lab/config";
import type { Lab } from "../lab/session";
import { findHelm } from "../test/support/helm";
import { installationBefore } from "../test/support/lab";
import { secondTag } from "../test/support/second-tag";
import { kubectl, plainYaml } from "./kubectl";
import { Moments } from "./moments";
import { alternately, secondsIn } from "./process";
import { query } from "./query";
import { describeMachine, record, say } from "./results";

const goals = { fresh: 1.1, noop: 1, image: 1.1, gap: 1 };
/** The stack before its cutover: Studio with its bundled servers. */
const before: ConfigOverrides = { servers: {}, serverSecrets: {} };
/** The row rewrite as somebody would type it: no journal, no fence, nothing read back. */
const byHand = `
  begin;
  update mcp_servers set config_json = jsonb_build_object('transport', 'streamable-http', 'url',
         'http://' || case server_key when 'llmctl-mcp' then 'llmctl-mcp' else 'llmctl-mcp-' || server_key end
         || '.llmctl.svc.cluster.local:8000/mcp'), updated_at = now() where server_type = 'integrated';
  commit;`;

/**
 * The stack of the lab through its engine, beside kubectl with the same objects as plain YAML: the servers alone; the
 * whole cutover, beside the same by hand in the same order (servers, rows, Studio) without a probe, a journal or a
 * fence; nothing to do; one image changed. Leaves the lab as it is before a cutover.
 * @param args the number of pairs. Default: 3
 */
export async function benchDeploy([given = "3"]: readonly string[]): Promise<void> {
  const rounds = Number(given);
  const lab = await installationBefore("jsonb");
  const version = JSON.parse(await kubectl(lab, ["version", "-o", "json"])) as {
    clientVersion: { gitVersion: string };
    serverVersion: { gitVersion: string };
  };
  say(
    describeMachine({
      Pulumi: lab.engine.version,
      kubectl: version.clientVersion.gitVersion,
      Kubernetes: version.serverVersion.gitVersion,
    }),
  );
  await servers(lab, rounds);
  const last = await whole(rounds);
  await unchanged(last, Math.max(rounds, 5));
  await oneImage(last, rounds);
  await installationBefore("jsonb");
}

/** Five servers from nothing to rolled out. */
async function servers(lab: Lab, rounds: number): Promise<void> {
  const yaml = await plainYaml(lab, "servers");
  const ours = async (): Promise<number> => {
    const seconds = await secondsIn(() => lab.up("embedded"));
    await lab.up("embedded", before);
    return seconds;
  };
  const pairs = await alternately(rounds, ours, async () => {
    const seconds = await secondsIn(() => yaml.apply());
    await yaml.remove();
    return seconds;
  });
  record("five servers, kubectl apply -k and rollout status", "s", goals.fresh, pairs);
  const found = await findHelm();
  if (typeof found === "string") {
    say(`five servers, helm: left out, because ${found}`);
    return;
  }
  const release = yaml.helm(found.helm);
  const withHelm = await alternately(rounds, ours, async () => {
    const seconds = await secondsIn(() => release.install());
    await release.uninstall();
    return seconds;
  });
  record("five servers, helm upgrade --install --wait", "s", goals.fresh, withHelm);
}

/** @returns the lab after its cutover */
async function whole(rounds: number): Promise<Lab> {
  let lab = await installationBefore("jsonb");
  const gaps: number[] = [];
  const pairs = await alternately(
    rounds,
    async () => {
      lab = await installationBefore("jsonb");
      return secondsIn(async () =>
        gaps.push(await Moments.during(lab, () => lab.up("in-cluster"))),
      );
    },
    async () => {
      lab = await installationBefore("jsonb");
      return cutoverByHand(lab);
    },
  );
  record("whole cutover, the same order by hand without proof", "s", goals.fresh, pairs);
  record(
    "from the last server ready to rows committed, without the probe",
    "s",
    goals.gap,
    gaps.map((ours) => ({ ours, peer: 1 })),
  );
  lab = await installationBefore("jsonb");
  await lab.up("in-cluster");
  return lab;
}

/** Servers, then rows, then Studio, on a lab before its cutover. @returns seconds */
export async function cutoverByHand(lab: Lab): Promise<number> {
  const yaml = await plainYaml(lab, "servers");
  const all = await plainYaml(lab, "all");
  return secondsIn(async () => {
    await yaml.apply();
    await query(lab, byHand);
    await all.apply();
  });
}

async function unchanged(lab: Lab, rounds: number): Promise<void> {
  const yaml = await plainYaml(lab, "all");
  const pairs = await alternately(
    rounds,
    () => secondsIn(() => lab.up("in-cluster")),
    () => secondsIn(() => yaml.diff()),
  );
  record("nothing to do, kubectl diff -k", "s", goals.noop, pairs);
}

/** Each time the other of two tags of the same image. */
async function oneImage(lab: Lab, rounds: number): Promise<void> {
  const { github: first = "" } = lab.facts.images;
  const second = await secondTag(lab.cluster, first);
  if (second === undefined) {
    say("one image changed: left out, because a cluster that was given has images of its own");
    return;
  }
  const yaml = await plainYaml(lab, "all");
  let [now, next] = [first, second];
  const swap = (): void => {
    yaml.setImage(now, next);
    [now, next] = [next, now];
  };
  const pairs = await alternately(
    rounds,
    () => {
      swap();
      const servers = { ...labServers(lab.facts.images), github: { image: now } };
      return secondsIn(() => lab.up("in-cluster", { servers }));
    },
    () => {
      swap();
      return secondsIn(() => yaml.apply());
    },
  );
  record("one image changed, kubectl apply -k and rollout status", "s", goals.image, pairs);
}
