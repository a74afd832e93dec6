import type * as k8s from "@kubernetes/client-node";

import type { Doing, OddShape } from "./odd-shapes";
import type { StubObjects } from "./stub-namespace";

/** The shapes in a cluster after some time: with the status that its controllers write, and their pods. */
export function seen(shapes: readonly OddShape[]): StubObjects {
  const around = shapes.flatMap((shape) => shape.around);
  const of = (kind: string): k8s.KubernetesObject[] => [
    // Two servers may share a Service.
    ...new Map(
      around.filter((one) => one.kind === kind).map((one) => [one.metadata?.name, one]),
    ).values(),
  ];
  const workloads = shapes.map(withStatus);
  const logs = shapes.flatMap(({ workload: { kind, metadata }, doing }): [string, string][] => {
    const said = printed[doing];
    if (said === undefined) return [];
    const container = doing === "crash" ? "server" : "wait-for-db";
    return [[`${podName(kind, metadata?.name)}/${container}`, `${said}\n`]];
  });
  return {
    lists: {
      deployments: workloads.filter(({ kind }) => kind === "Deployment"),
      statefulsets: workloads.filter(({ kind }) => kind === "StatefulSet"),
      services: of("Service").map((service) => withAddress(service as k8s.V1Service)),
      horizontalpodautoscalers: of("HorizontalPodAutoscaler"),
      pods: shapes.flatMap(podsOf),
    },
    logs: Object.fromEntries(logs),
  };
}

const printed: Partial<Record<Doing, string>> = {
  waits: "waiting for the database at postgres://me:s3cret@db/x",
  "init-crash": "no license found",
  crash: "cannot read /etc/config",
};

function withStatus({ workload, doing }: OddShape): k8s.KubernetesObject & { status: object } {
  const wanted = workload.spec?.replicas ?? 1;
  const made = doing === "nothing" ? 0 : wanted;
  const ready = doing === "serves" || doing === "sleeps" ? wanted : 0;
  return {
    ...workload,
    metadata: { ...workload.metadata, uid: `uid-of-${workload.metadata?.name}`, generation: 1 },
    status: {
      ...{ observedGeneration: 1, replicas: made, updatedReplicas: made },
      ...{ readyReplicas: ready, availableReplicas: ready },
    },
  };
}

function withAddress(service: k8s.V1Service): k8s.V1Service {
  const { spec } = service;
  const clusterIP = spec?.type === "ExternalName" ? undefined : (spec?.clusterIP ?? "10.0.0.1");
  return { ...service, spec: { ...spec, ...(clusterIP === undefined ? {} : { clusterIP }) } };
}

function podName(kind: string | undefined, name: string | undefined): string {
  return kind === "StatefulSet" ? `${name}-0` : `${name}-1-x`;
}

function podsOf({ workload, doing }: OddShape): k8s.V1Pod[] {
  const { kind, metadata, spec } = workload;
  if (doing === "nothing") return [];
  const set = kind === "StatefulSet" ? metadata?.name : `${metadata?.name}-1`;
  return [
    {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: {
        ...{ name: podName(kind, metadata?.name), namespace: metadata?.namespace },
        labels: { ...spec?.template.metadata?.labels, "pod-template-hash": "1" },
        ownerReferences: [
          {
            ...{ kind: kind === "StatefulSet" ? kind : "ReplicaSet", name: set ?? "" },
            ...{ controller: true, apiVersion: "apps/v1", uid: "r" },
          },
        ],
      },
      ...(spec?.template.spec === undefined ? {} : { spec: spec.template.spec }),
      status: podStatus(doing),
    },
  ];
}

function podStatus(doing: Doing): k8s.V1PodStatus {
  const container = (name: string, state: Partial<k8s.V1ContainerStatus>) => ({
    ...{ name, image: "i", imageID: "", restartCount: 0, ready: false, ...state },
  });
  const crashed = (exitCode: number): Partial<k8s.V1ContainerStatus> => ({
    ...{ state: { waiting: { reason: "CrashLoopBackOff" } }, restartCount: 4 },
    lastState: { terminated: { exitCode, reason: "Error" } },
  });
  const held = container("server", { state: { waiting: { reason: "PodInitializing" } } });
  const phase = "Pending";
  switch (doing) {
    case "waits": {
      const init = container("wait-for-db", { state: { running: {} } });
      return { phase, initContainerStatuses: [init], containerStatuses: [held] };
    }
    case "init-crash":
      return {
        phase,
        initContainerStatuses: [container("wait-for-db", crashed(3))],
        containerStatuses: [held],
      };
    case "crash":
      return { phase: "Running", containerStatuses: [container("server", crashed(1))] };
    case "no-image": {
      const waiting = { reason: "ImagePullBackOff", message: "Back-off pulling image" };
      return { phase, containerStatuses: [container("server", { state: { waiting } })] };
    }
    case "no-node": {
      const message =
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
      return {
        phase,
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
      };
    }
    default:
      return {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [container("server", { state: { running: {} }, ready: true })],
      };
  }
}
