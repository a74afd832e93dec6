import assert from "node:assert/strict";

import type * as k8s from "@kubernetes/client-node";
import {
  pendingReason,
  podTrouble,
  troublesOf,
  unreadyReason,
  type Workload,
} from "@mcp-fleet/kube";
import { details, judge } from "@mcp-fleet/lifecycle/dist/state";
import { checkName, checkReplicas, checkTimeout } from "@mcp-fleet/lifecycle/dist/validate";

function deployment(
  replicas: number | undefined,
  status: k8s.V1DeploymentStatus,
  name = "x",
): k8s.V1Deployment {
  const labels = { "app.kubernetes.io/name": name };
  return {
    metadata: { name, namespace: "n", generation: 2 },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } },
    },
    status,
  };
}

const partition = (first: number): object => ({
  updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: first } },
});
const onDelete = { updateStrategy: { type: "OnDelete" } };

describe("lifecycle: names, replicas and times", () => {
  for (const name of ["a", "0", "github", "llmctl-mcp-google-cloud", "a.b-c.d", "a".repeat(253)]) {
    it(`takes ${name.slice(0, 30)}`, () => assert.equal(checkName(name), name));
  }
  const names = [
    "",
    "-a",
    "a-",
    "a_b",
    "a b",
    "A",
    "a..b",
    ".a",
    "a/b",
    "ä",
    "a".repeat(254),
    "$(id)",
  ];
  for (const name of names) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 30))}`, () =>
      assert.throws(() => checkName(name), {
        exitCode: 2,
        problem: /is not the name of a server/,
      }));
  }
  for (const replicas of [0, 1, 10]) {
    it(`takes ${replicas} replicas`, () => assert.equal(checkReplicas(replicas), replicas));
  }
  for (const replicas of [-1, 11, 1.5, NaN, Infinity]) {
    it(`refuses ${replicas} replicas`, () =>
      assert.throws(() => checkReplicas(replicas), { exitCode: 2, fix: /0 to 10/ }));
  }
  for (const seconds of [0, -1, NaN, 86_401]) {
    it(`refuses to wait ${seconds} seconds`, () =>
      assert.throws(() => checkTimeout(seconds), { exitCode: 2 }));
  }
});

describe("lifecycle: a server's state", () => {
  const seen = { observedGeneration: 2 };
  const steady = (replicas: number): k8s.V1DeploymentStatus => ({
    ...{ ...seen, replicas, updatedReplicas: replicas },
    ...{ readyReplicas: replicas, availableReplicas: replicas },
  });
  const condition = (type: string, status: string, reason: string, message: string) => ({
    ...{ type, status, reason, message },
  });
  // Wanted, then the status; the first row of a state is its definition, the others are edge cases.
  const states: [number | undefined, k8s.V1DeploymentStatus, string, RegExp?][] = [
    [0, seen, "stopped"],
    [0, steady(1), "stopped"],
    [3, steady(3), "running"],
    [undefined, steady(1), "running"],
    [1, seen, "pending", /^0 of 1 replica on the newest template$/],
    [3, { ...seen, replicas: 3, updatedReplicas: 3 }, "pending", /^0 of 3 replicas ready$/],
    [3, { ...steady(3), readyReplicas: 0, availableReplicas: 0 }, "pending"],
    [
      3,
      { ...steady(3), readyReplicas: 1, availableReplicas: 1 },
      "scaling",
      /1 of 3 replicas ready/,
    ],
    [3, steady(1), "scaling"],
    [1, steady(3), "scaling", /2 replicas too many still there/],
    [1, { ...steady(1), replicas: 2 }, "updating", /1 replica of an earlier template still there/],
    [1, { ...steady(1), updatedReplicas: 0 }, "updating", /0 of 1 replica on the newest template/],
    [1, { ...steady(1), observedGeneration: 1 }, "updating", /has not seen the change/],
    [
      1,
      {
        ...steady(1),
        updatedReplicas: 0,
        conditions: [condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")],
      },
      "failed",
      /^its rollout is stuck \(ProgressDeadlineExceeded\); 0 of 1 replica on the newest template$/,
    ],
    [
      1,
      {
        ...steady(1),
        updatedReplicas: 0,
        conditions: [condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: q.")],
      },
      "failed",
      /^no pod can be made: exceeded quota: q; 0 of 1/,
    ],
    // Traces of an old failure on a healthy server.
    [
      1,
      { ...steady(1), conditions: [condition("ReplicaFailure", "True", "FailedCreate", "quota")] },
      "running",
    ],
  ];
  for (const [wanted, status, state, why] of states) {
    it(`is ${state} with ${wanted ?? "the default"} wanted and ${JSON.stringify(status)}`, () => {
      const judged = judge(deployment(wanted, status));
      assert.equal(judged.status, state);
      if (state === "running" || state === "stopped") assert.equal(judged.reason, undefined);
      else assert.match(judged.reason ?? "", why ?? /./);
    });
  }

  const all = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2 };
  const reasons: [k8s.V1DeploymentStatus, RegExp | undefined][] = [
    [{ ...all, availableReplicas: 2 }, undefined],
    [{ ...all, availableReplicas: 2, observedGeneration: 1 }, /controller has not seen/],
    [{ ...all, availableReplicas: 2, updatedReplicas: 1 }, /1 of 2 replicas on the newest/],
    [{ ...all, readyReplicas: 1 }, /1 of 2 replicas ready/],
    [{ ...all, availableReplicas: 1 }, /ready/],
    [{ ...all, availableReplicas: 2, replicas: 3 }, /1 replica of an earlier template/],
    [{ ...all, availableReplicas: 2, replicas: 3, updatedReplicas: 3 }, /1 replica too many/],
  ];
  for (const [status, reason] of reasons) {
    it(`waits for ${reason?.source ?? "nothing"} with ${JSON.stringify(status)}`, () => {
      const said = pendingReason(deployment(2, status));
      if (reason === undefined) assert.equal(said, undefined);
      else assert.match(said ?? "nothing", reason);
    });
  }

  const kept: [string, object, k8s.V1DeploymentStatus, RegExp | undefined][] = [
    ["a StatefulSet", {}, { ...all, availableReplicas: 2 }, undefined],
    [
      "a StatefulSet",
      {},
      { ...all, availableReplicas: 2, updatedReplicas: 1 },
      /1 of 2 replicas on/,
    ],
    [
      "one with partition 1",
      partition(1),
      { ...all, availableReplicas: 2, updatedReplicas: 1 },
      undefined,
    ],
    [
      "one with partition 1",
      partition(1),
      { ...all, availableReplicas: 2, updatedReplicas: 0 },
      /0 of 1 replica on/,
    ],
    [
      "one with partition 1",
      partition(1),
      { ...all, readyReplicas: 1, updatedReplicas: 1 },
      /1 of 2 replicas ready/,
    ],
    [
      "one with OnDelete",
      onDelete,
      { ...all, availableReplicas: 2, updatedReplicas: 0 },
      undefined,
    ],
  ];
  for (const [what, spec, status, reason] of kept) {
    it(`waits for ${reason?.source ?? "nothing"} of ${what} with ${JSON.stringify(status)}`, () => {
      const set = deployment(2, status);
      const said = pendingReason({
        ...set,
        kind: "StatefulSet",
        spec: { ...set.spec, ...spec },
      } as Workload);
      if (reason === undefined) assert.equal(said, undefined);
      else assert.match(said ?? "nothing", reason);
    });
  }

  it("waits with a paused rollout for replicas of whatever template", () => {
    const paused = deployment(2, { ...all, availableReplicas: 2, updatedReplicas: 0 });
    paused.spec = { ...paused.spec, paused: true } as k8s.V1DeploymentSpec;
    assert.match(pendingReason(paused) ?? "", /^0 of 2 replicas on .*, and its rollout is paused$/);
    assert.equal(unreadyReason(paused), undefined);
    assert.match(
      unreadyReason({ ...paused, status: { ...all, readyReplicas: 1 } }) ?? "",
      /1 of 2 replicas ready/,
    );
  });

  it("takes the latest update of a condition for the last activity, else the creation", () => {
    const condition = (type: string, at: string) => ({
      type,
      status: "True",
      lastUpdateTime: new Date(at),
    });
    const changed = deployment(1, {
      conditions: [
        condition("Available", "2026-11-01T10:00:00Z"),
        condition("Progressing", "2026-11-02T10:00:00Z"),
      ],
    });
    assert.equal(details(changed).lastActivity, "2026-11-02T10:00:00.000Z");
    assert.equal(details(changed).lastActivityFrom, "condition Progressing");
    const fresh = deployment(1, {});
    fresh.metadata = { name: "x", creationTimestamp: new Date("2026-11-03T10:00:00Z") };
    assert.equal(details(fresh).lastActivityFrom, "creation");
  });
});

describe("lifecycle: what keeps a pod", () => {
  const status = (state: k8s.V1ContainerState, restartCount = 3): k8s.V1ContainerStatus => ({
    ...{ name: "c", image: "i:1", imageID: "", ready: false, restartCount, state },
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  });
  const waiting = (reason: string, message?: string): k8s.V1ContainerStatus =>
    status({ waiting: { reason, ...(message === undefined ? {} : { message }) } });
  const scheduled = { type: "PodScheduled", status: "False", message: "0/1 nodes" };
  const cases: [string, k8s.V1PodStatus, string | undefined, RegExp?][] = [
    [
      "crash",
      { containerStatuses: [waiting("CrashLoopBackOff")] },
      "crash",
      /^is in CrashLoopBackOff: its container c ended with exit code 3 \(Error\)$/,
    ],
    [
      "crash of an init container",
      { initContainerStatuses: [waiting("CrashLoopBackOff")] },
      "crash",
      /^is in CrashLoopBackOff: its init container c ended with exit code 3/,
    ],
    [
      "crash, between two runs",
      { containerStatuses: [status({ terminated: { exitCode: 3, reason: "Error" } })] },
      "crash",
      /exit code 3/,
    ],
    [
      "crash, in its fourth run",
      { containerStatuses: [status({ running: {} })] },
      "crash",
      /crashes: its container c has restarted 3 times.*exit code 3/,
    ],
    [
      "image",
      { containerStatuses: [waiting("ImagePullBackOff", "not found")] },
      "image",
      /cannot pull its image i:1 \(ImagePullBackOff: not found\)/,
    ],
    [
      "config",
      { containerStatuses: [waiting("CreateContainerConfigError", 'secret "s" not found')] },
      "start",
      /secret "s" not found/,
    ],
    ["start", { containerStatuses: [waiting("ContainerCreating")] }, undefined],
    [
      "node",
      { conditions: [scheduled] },
      "schedule",
      /cannot be scheduled \(Unschedulable: 0\/1 nodes\)/,
    ],
    [
      "readiness",
      { containerStatuses: [status({ running: {} }, 0)] },
      "unready",
      /readiness check of its container c fails/,
    ],
    [
      "an init container that runs",
      { initContainerStatuses: [status({ running: {} }, 0)] },
      "init",
      /^waits for its init container c, which is running$/,
    ],
    ["a pod that was evicted", { phase: "Failed", conditions: [scheduled] }, undefined],
  ];
  for (const [name, podStatus, kind, said] of cases) {
    it(name, () => {
      const trouble = podTrouble({ metadata: { name: "p" }, status: podStatus });
      assert.equal(trouble?.kind, kind);
      if (said !== undefined) assert.match(trouble?.reason ?? "", said);
    });
  }

  it("fails the server by its own pods only, and only while its rollout goes on", () => {
    const pod = (owner: string): k8s.V1Pod => ({
      metadata: {
        name: `${owner}-1-a`,
        labels: { "pod-template-hash": "1" },
        ownerReferences: [
          { kind: "ReplicaSet", name: `${owner}-1`, controller: true, apiVersion: "v1", uid: "u" },
        ],
      },
      status: { containerStatuses: [waiting("ImagePullBackOff")] },
    });
    const serving = { replicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 2 };
    const updating = deployment(1, { ...serving, replicas: 2, updatedReplicas: 1 });
    const { failures } = troublesOf(updating, [pod("x"), pod("y")]);
    assert.equal(failures.length, 1);
    const judged = judge(updating, troublesOf(updating, [pod("x")]));
    assert.equal(judged.status, "failed");
    assert.match(
      judged.reason ?? "",
      /^pod x-1-a cannot pull its image i:1 .*; 1 replica of an earlier/,
    );
    assert.equal(judge(updating, troublesOf(updating, [pod("y")])).status, "updating");
    const done = deployment(1, { ...serving, updatedReplicas: 1 });
    assert.deepEqual(troublesOf(done, [pod("x")]).failures, []);
  });
});
