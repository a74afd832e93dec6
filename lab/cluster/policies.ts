import { onPath, run } from "../exec";
import { binary } from "./binaries";
import type { NetworkPlan } from "./network";
import { clusterName, type Pki } from "./pki";
import { startDaemon, waitReady } from "./processes";

/** What kube-router calls its chains and sets. */
const chainName = /^KUBE-(ROUTER-(INPUT|FORWARD|OUTPUT)|NWPLCY-|POD-FW-)/;
const setName = /^(inet6:)?KUBE-(SRC|DST)-/;

/** Starts kube-router's controller of NetworkPolicies; it wants the node to be there. */
export async function startPolicies(plan: NetworkPlan, pki: Pki): Promise<void> {
  const name = "network-policies";
  await startDaemon({
    name,
    command: binary(name),
    args: [
      `--kubeconfig=${pki.kubeconfigs.admin}`,
      `--hostname-override=${clusterName}`,
      `--service-cluster-ip-range=${plan.serviceCidr}`,
    ],
    env: { GOGC: "50", GOMEMLIMIT: "100MiB" },
  });
  await waitReady(name, async () => (await chains()).includes("KUBE-ROUTER-FORWARD"), 30);
}

/** Whether iptables has a filter table: the first rule of anybody makes it, and it stays. */
export const hasFilterTable = async (): Promise<boolean> =>
  (await run("nft", ["list", "tables"])).split("\n").includes("table ip filter");

/**
 * Removes the chains and sets of NetworkPolicies. kube-router's own clean-up (2.1.0) leaves them.
 *
 * @param filterTable whether iptables had a filter table before the lab; else it goes once nothing is in it
 */
export async function policiesDown(filterTable: boolean): Promise<void> {
  if (!(await onPath("iptables"))) return;
  const rules = await filterRules();
  const ours = chainsOf(rules);
  const jumps = rules
    .filter((rule) => ours.some((chain) => rule.includes(`-j ${chain}`)))
    .filter((rule) => !chainName.test(rule.split(" ")[1] ?? ""));
  const script = [
    "*filter",
    ...jumps.map((rule) => rule.replace(/^-A/, "-D")),
    ...ours.map((chain) => `-F ${chain}`),
    ...ours.map((chain) => `-X ${chain}`),
    "COMMIT",
    "",
  ];
  if (ours.length > 0) await run("iptables-restore", ["--noflush"], { input: script.join("\n") });
  await removeSets();
  if (!filterTable && (await filterRules()).every((rule) => /^-P \S+ ACCEPT$/.test(rule)))
    await run("nft", ["delete", "table", "ip", "filter"]).catch(() => "");
}

async function removeSets(): Promise<void> {
  if (!(await onPath("ipset"))) return;
  const sets = (await run("ipset", ["list", "-name"])).split("\n");
  const ours = sets.filter((name) => setName.test(name));
  const script = ours.map((name) => `destroy ${name}\n`).join("");
  if (ours.length > 0) await run("ipset", ["restore"], { input: script });
}

const chains = async (): Promise<string[]> => chainsOf(await filterRules());

/** The filter table as `iptables -S` prints it; nothing is made by asking. */
const filterRules = async (): Promise<string[]> =>
  (await hasFilterTable()) ? (await run("iptables", ["-S"])).trim().split("\n") : [];

function chainsOf(rules: readonly string[]): string[] {
  return rules.flatMap((rule) => {
    const [, name] = /^-N (\S+)/.exec(rule) ?? [];
    return name !== undefined && chainName.test(name) ? [name] : [];
  });
}
