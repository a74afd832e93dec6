import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { BatchV1Api, type V1Job, type V1Pod } from "@kubernetes/client-node";
import { parse } from "yaml";

import { kubeConfigOf } from "../../lab/kube";
import { paths } from "../../lab/paths";
import type { Lab } from "../../lab/session";
import { eventually } from "./eventually";
import { killTree } from "./processes";

/** Time limit of an update in a pod with its retries, in seconds. */
const endSeconds = 300;

/** The result of a Job. */
export interface EndedJob {
  readonly complete: boolean;
  /** Its pods in the order of creation: exit code and log. */
  readonly pods: readonly { readonly exitCode: number; readonly log: string }[];
}

/** Runs the Job of `examples/in-cluster` for a stack of the lab. */
export class PodUpdates {
  private readonly batch: BatchV1Api;
  private count = 0;

  constructor(
    private readonly lab: Lab,
    private readonly namespace: string,
    private readonly image: string,
    private readonly stack: string,
  ) {
    const config = kubeConfigOf(lab.cluster);
    this.batch = config.makeApiClient(BatchV1Api);
  }

  /** @returns the Job's name */
  async start(file: string, args: readonly string[] = []): Promise<string> {
    const { namespace, stack } = this;
    const data = { [`Pulumi.${stack}.yaml`]: file };
    const metadata = { name: `mcp-fleet-${stack}`, namespace };
    await this.lab.kube.apply([{ apiVersion: "v1", kind: "ConfigMap", metadata, data } as object]);
    const example = readFileSync(join(paths.projectDir, "examples/in-cluster/job.yaml"), "utf8");
    const job = parse(example.replaceAll("prod", stack)) as V1Job;
    const name = `update-${(this.count += 1)}`;
    job.metadata = { name, namespace };
    const [container] = job.spec?.template.spec?.containers ?? [];
    if (container === undefined) throw new Error("the example has no container");
    container.image = this.image;
    container.imagePullPolicy = "Never";
    container.args = [...(container.args ?? []), ...args];
    await this.batch.createNamespacedJob({ namespace, body: job });
    return name;
  }

  async ended(name: string): Promise<EndedJob> {
    const { namespace } = this;
    const of = async (type: string): Promise<boolean> => {
      const { status } = await this.batch.readNamespacedJob({ namespace, name });
      return status?.conditions?.some((one) => one.type === type && one.status === "True") ?? false;
    };
    await eventually(
      `the Job ${name} has ended`,
      async () => (await of("Complete")) || (await of("Failed")),
      endSeconds,
    );
    const pods = await Promise.all(
      (await this.podsOf(name)).map(async ({ metadata, status }) => ({
        exitCode: status?.containerStatuses?.[0]?.state?.terminated?.exitCode ?? -1,
        log: await this.logOf(metadata?.name ?? ""),
      })),
    );
    return { complete: await of("Complete"), pods };
  }

  /** The output of the Job's pods so far. */
  async logs(job: string): Promise<string> {
    const pods = await this.podsOf(job);
    const logs = pods.map(({ metadata }) => this.logOf(metadata?.name ?? "").catch(() => ""));
    return (await Promise.all(logs)).join("\n");
  }

  /** Deletes the Job's pod with its grace period, as a person does. */
  async end(job: string): Promise<void> {
    const name = (await this.podsOf(job)).at(-1)?.metadata?.name ?? "";
    await this.lab.kube.core.deleteNamespacedPod({ namespace: this.namespace, name });
  }

  async remove(name: string): Promise<void> {
    const { namespace } = this;
    const propagationPolicy = "Background";
    await this.batch.deleteNamespacedJob({ namespace, name, propagationPolicy });
  }

  private logOf(name: string): Promise<string> {
    return this.lab.kube.core.readNamespacedPodLog({ namespace: this.namespace, name });
  }

  private async podsOf(job: string): Promise<V1Pod[]> {
    const { items } = await this.lab.kube.core.listNamespacedPod({
      namespace: this.namespace,
      labelSelector: `batch.kubernetes.io/job-name=${job}`,
    });
    const made = ({ metadata }: V1Pod): number => metadata?.creationTimestamp?.getTime() ?? 0;
    return items.sort((one, other) => made(one) - made(other));
  }

  /** Kills the process of the update, like a failing node: it cannot react. */
  kill(): void {
    const [pid] = updatesHere();
    if (pid === undefined) throw new Error("no update runs in a pod");
    killTree(pid);
  }
}

/** Processes on this machine that are the first of an update in its pod. */
function updatesHere(): number[] {
  const command = "node\0/app/bin/mcp-fleet.cjs\0up\0";
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(command);
      } catch {
        return false;
      }
    });
}
