import { isObject, type Json, type JsonObject, objectAt, stringAt } from "../wire";
import type { KubeClient } from "./client";

/** How long, in seconds, a container may stay in a state that it seldom leaves by itself. */
const patience: Readonly<Record<string, number>> = {
  InvalidImageName: 0,
  ErrImageNeverPull: 5,
  ErrImagePull: 20,
  ImagePullBackOff: 20,
  CreateContainerConfigError: 20,
  CreateContainerError: 20,
  RunContainerError: 20,
  CrashLoopBackOff: 45,
};
/** A container that crashed this often is not waited for any longer. */
const crashes = 3;
/** The controller's pods are refused (quota, Pod Security): seconds before that counts. */
const refusedSeconds = 10;
const logLines = 5;

const owners: readonly Json[] = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

interface Trouble {
  pod: string;
  container: string;
  reason: string;
  message: string;
  restarts: number;
}

/** Looks at the pods of one workload for what it cannot recover from by itself. */
export class PodWatch {
  /** When each trouble was first seen, in milliseconds. */
  private readonly since = new Map<string, number>();

  constructor(
    private readonly client: KubeClient,
    private readonly namespace: string | undefined,
  ) {}

  /** One sentence when waiting any longer is of no use. */
  async stuck(workload: JsonObject): Promise<string | undefined> {
    const refused = refusal(workload);
    if (refused !== undefined && this.seconds("refused") >= refusedSeconds) {
      return `its pods are refused: ${refused}`;
    }
    if (refused === undefined) this.since.delete("refused");
    const troubles = (await this.pods(workload)).flatMap(troublesOf);
    const seen = new Set(troubles.map(keyOf));
    for (const key of this.since.keys()) {
      if (key !== "refused" && !seen.has(key)) this.since.delete(key);
    }
    const hopeless = troubles.find((item) => {
      const crashed = item.reason === "CrashLoopBackOff" && item.restarts >= crashes;
      return crashed || this.seconds(keyOf(item)) >= (patience[item.reason] ?? Infinity);
    });
    if (hopeless === undefined) return undefined;
    const { pod, container, reason } = hopeless;
    return `container ${container} of pod ${pod} is in ${reason}`;
  }

  /** What is wrong with the pods, with a container's last words; empty when nothing is to be seen. */
  async describe(workload: JsonObject): Promise<string> {
    try {
      const pods = await this.pods(workload);
      const trouble = pods.flatMap(troublesOf)[0] ?? pods.map(notReady).find((item) => item);
      if (trouble === undefined) return refusal(workload) ?? unscheduled(pods) ?? "";
      const log = await this.lastLines(trouble);
      return [trouble.message, log === "" ? "" : `its last lines: ${log}`]
        .filter((text) => text !== "")
        .join("; ");
    } catch {
      return "";
    }
  }

  private seconds(key: string): number {
    const first = this.since.get(key) ?? Date.now();
    this.since.set(key, first);
    return (Date.now() - first) / 1000;
  }

  /** The pods of a workload; of a Deployment, those of its newest ReplicaSet. */
  private async pods(workload: JsonObject): Promise<readonly JsonObject[]> {
    if (workload.kind === "Pod") return [workload];
    if (this.namespace === undefined || !owners.includes(workload.kind ?? "")) return [];
    const owner = workload.kind === "Deployment" ? await this.newest(workload) : workload;
    if (owner === undefined) return [];
    const pods = await this.client.looks.all("v1", "Pod", this.namespace);
    return pods.filter((pod) => isOwned(pod, owner));
  }

  /** Undefined while the controller has not seen the newest change: the ReplicaSets are of what was before. */
  private async newest(deployment: JsonObject): Promise<JsonObject | undefined> {
    const { generation } = objectAt(deployment.metadata);
    if (objectAt(deployment.status).observedGeneration !== generation) return undefined;
    const sets = await this.client.looks.all("apps/v1", "ReplicaSet", this.namespace ?? "");
    const revision = (set: JsonObject): number =>
      Number(objectAt(set, "metadata", "annotations")["deployment.kubernetes.io/revision"] ?? 0);
    return sets
      .filter((set) => isOwned(set, deployment))
      .sort((a, b) => revision(b) - revision(a))[0];
  }

  private async lastLines(trouble: Trouble): Promise<string> {
    for (const previous of ["true", "false"]) {
      try {
        const text = await this.client.callText(
          "GET",
          `/api/v1/namespaces/${this.namespace ?? ""}/pods/${trouble.pod}/log`,
          { query: { container: trouble.container, tailLines: String(logLines), previous } },
        );
        if (text.trim() !== "") return text.trim().split("\n").join(" | ");
      } catch {
        // There is no such log (yet).
      }
    }
    return "";
  }
}

function isOwned(object: JsonObject, owner: JsonObject): boolean {
  const uid = stringAt(owner, "metadata", "uid");
  const references = objectAt(object.metadata).ownerReferences;
  return Array.isArray(references) && references.some((item) => stringAt(item, "uid") === uid);
}

/** A failing pull goes back and forth between two reasons, which count as one trouble. */
const keyOf = (item: Trouble): string =>
  `${item.pod}/${item.container}/${item.reason === "ErrImagePull" ? "ImagePullBackOff" : item.reason}`;

function statuses(pod: JsonObject): JsonObject[] {
  const status = objectAt(pod.status);
  return [status.initContainerStatuses, status.containerStatuses].flatMap((list) =>
    Array.isArray(list) ? list.filter(isObject) : [],
  );
}

function troubleOf(pod: JsonObject, status: JsonObject, reason: string): Trouble {
  const ended = objectAt(status, "lastState", "terminated");
  const code = typeof ended.exitCode === "number" ? `it exited with code ${ended.exitCode}` : "";
  // That of a back-off only says how long it waits.
  const waiting =
    reason === "CrashLoopBackOff" ? undefined : stringAt(status, "state", "waiting", "message");
  const said = waiting ?? stringAt(ended, "message") ?? "";
  return {
    pod: stringAt(pod, "metadata", "name") ?? "",
    container: stringAt(status, "name") ?? "",
    reason,
    message: [code, said].filter((text) => text !== "").join(": "),
    restarts: typeof status.restartCount === "number" ? status.restartCount : 0,
  };
}

function troublesOf(pod: JsonObject): Trouble[] {
  return statuses(pod).flatMap((status) => {
    const reason = stringAt(status, "state", "waiting", "reason") ?? "";
    return reason in patience ? [troubleOf(pod, status, reason)] : [];
  });
}

/** A container that runs and is not ready: its log may say why. */
function notReady(pod: JsonObject): Trouble | undefined {
  const status = statuses(pod).find(
    (item) => item.ready === false && Object.keys(objectAt(item, "state", "running")).length > 0,
  );
  return status === undefined ? undefined : troubleOf(pod, status, "not ready");
}

function conditionMessage(object: JsonObject, type: string, status: string): string | undefined {
  const list = objectAt(object.status).conditions;
  const found = (Array.isArray(list) ? list : [])
    .filter(isObject)
    .find((item) => item.type === type && item.status === status);
  return stringAt(found, "message");
}

const refusal = (workload: JsonObject): string | undefined =>
  conditionMessage(workload, "ReplicaFailure", "True");

const unscheduled = (pods: readonly JsonObject[]): string | undefined =>
  pods.map((pod) => conditionMessage(pod, "PodScheduled", "False")).find((text) => text);
