import assert from "node:assert/strict";

import {
  jobName,
  ownerOf,
  portionsOf,
  probeJob,
  type ProbeObjects,
  targetsSecret,
} from "@mcp-fleet/cutover-runner/dist/job-spec";
import {
  endTrouble,
  jobTrouble,
  probeState,
  probeTrouble,
} from "@mcp-fleet/cutover-runner/dist/pod-trouble";
import { resultsIn, unanswered } from "@mcp-fleet/cutover-runner/dist/probe-log";
import { neverReady } from "@mcp-fleet/cutover-runner/dist/restricted-job";

import { restrictedProblems } from "../../../components/core";

const web = {
  name: "web",
  labels: { "app.kubernetes.io/name": "studio" },
  serviceAccount: "studio",
};
const target = { name: "a", url: "http://a.tools.svc.cluster.local:8000/mcp" };

function probe(targets: ProbeObjects["targets"]): ProbeObjects {
  const spec = {
    from: "cluster",
    namespace: "tools",
    image: "probe:1",
    consumers: [web],
    deadlineSeconds: 30,
  } as const;
  return { runId: "0badcafe", owner: ownerOf("mcp-fleet/dev"), spec, targets };
}

describe("cutover-runner: the probe Job", () => {
  it("wears the consumer's labels and account but is never Ready", () => {
    const job = probeJob(probe([target]), web);
    const template = job.spec?.template;
    assert.equal(template?.metadata?.labels?.["app.kubernetes.io/name"], "studio");
    assert.equal(template?.spec?.serviceAccountName, "studio");
    assert.deepEqual(template?.spec?.readinessGates, [{ conditionType: neverReady }]);
    assert.equal(template?.spec?.automountServiceAccountToken, false);
    assert.equal(template?.spec?.enableServiceLinks, false);
    assert.deepEqual(restrictedProblems(template), []);
    assert.equal(job.spec?.backoffLimit, 0);
    // The Job's own limit must come after ours: Kubernetes deletes the pods and logs of a Job that reaches it.
    assert.ok((job.spec?.activeDeadlineSeconds ?? 0) > 30 + 120);
  });

  it("asks for names with dollar signs as they are: the kubelet finds no variable in them", () => {
    const wanted = { ...target, requiredTools: ["$(HOME)", "cost_in_$$"] };
    const { containers } = probeJob(probe([wanted]), web).spec?.template.spec ?? {};
    const { value = "" } = containers?.[0]?.env?.[0] ?? {};
    assert.ok(!value.includes("$"), value);
    const { targets } = JSON.parse(value) as { targets: (typeof wanted)[] };
    assert.deepEqual(targets[0]?.requiredTools, wanted.requiredTools);
  });

  it("are several where a tools lock makes the targets longer than a Secret may be", () => {
    const hash = "h".repeat(22);
    const parts = { description: hash, input: hash, output: hash, annotations: hash };
    const tools = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`get_pull_request_${at}`, parts]),
    );
    const lock = { tools, additions: true };
    const fleet = Array.from({ length: 200 }, (_, at) => ({ ...target, name: `s${at}`, lock }));
    const portions = portionsOf(fleet, {});
    assert.deepEqual(portions.flat(), fleet);
    for (const portion of portions) {
      const { stringData = {} } = targetsSecret(probe(portion), probeJob(probe(portion), web), web);
      assert.ok(Buffer.byteLength(stringData["targets.json"] ?? "") < 1024 * 1024);
    }
    const plain = fleet.map(({ name, url }) => ({ name, url }));
    assert.equal(portionsOf(plain, {}).length, 1);
    assert.deepEqual(
      portionsOf(plain, { definitions: true }).map((portion) => portion.length),
      [50, 50, 50, 50],
    );
  });

  it("keeps targets with headers out of the Job, in a Secret that the Job owns", () => {
    const secretProbe = probe([{ ...target, headers: { Authorization: "Bearer s3cret" } }]);
    const job = probeJob(secretProbe, web);
    assert.ok(!JSON.stringify(job).includes("s3cret"));
    assert.equal(job.spec?.suspend, true);
    const made = { ...job, metadata: { ...job.metadata, uid: "u1" } };
    const secret = targetsSecret(secretProbe, made, web);
    assert.equal(secret.metadata?.name, job.spec?.template.spec?.volumes?.[0]?.secret?.secretName);
    assert.equal(secret.metadata?.ownerReferences?.[0]?.uid, "u1");
    assert.match(secret.stringData?.["targets.json"] ?? "", /s3cret/);
    assert.equal(probeJob(probe([target]), web).spec?.suspend, false);
  });

  it("mounts what is kept in the cluster, each key alone, and copies none of it", () => {
    const kept = probe([
      {
        ...target,
        url: target.url.replace("http:", "https:"),
        caFrom: { configMap: "corp-ca", key: "ca.crt" },
        headersFrom: {
          Authorization: { namespace: "tools", secret: "a-token", key: "token", prefix: "Bearer " },
        },
      },
      { ...target, name: "b", caFrom: { configMap: "corp-ca", key: "ca.crt" } },
    ]);
    const job = probeJob(kept, web);
    const { template } = job.spec ?? {};
    assert.equal(job.spec?.suspend, false);
    assert.deepEqual(restrictedProblems(template), []);
    assert.deepEqual(template?.spec?.volumes, [
      {
        name: "kept-0",
        configMap: {
          ...{ name: "corp-ca", optional: true },
          items: [{ key: "ca.crt", path: "ca.crt" }],
        },
      },
      {
        name: "kept-1",
        secret: {
          ...{ secretName: "a-token", defaultMode: 0o440, optional: true },
          items: [{ key: "token", path: "token" }],
        },
      },
    ]);
    const [container] = template?.spec?.containers ?? [];
    assert.deepEqual(
      container?.volumeMounts?.map(({ name, mountPath }) => [name, mountPath]),
      [
        ["kept-0", "/kept/0"],
        ["kept-1", "/kept/1"],
      ],
    );
    const { targets } = JSON.parse(container?.env?.[0]?.value ?? "") as { targets: object[] };
    assert.deepEqual(targets, [
      {
        ...{ name: "a", url: "https://a.tools.svc.cluster.local:8000/mcp" },
        caFile: "/kept/0/ca.crt",
        headerFiles: { Authorization: { file: "/kept/1/token", prefix: "Bearer " } },
      },
      { ...target, name: "b", caFile: "/kept/0/ca.crt" },
    ]);
    // Besides a header in plain text, which has a Secret of the Job's own.
    const both = probe([...kept.targets, { ...target, name: "c", headers: { "X-Tenant": "s" } }]);
    const names = probeJob(both, web).spec?.template.spec?.volumes?.map(({ name }) => name);
    assert.deepEqual(names, ["targets", "kept-0", "kept-1"]);
  });

  it("makes valid names of any consumer's name", () => {
    assert.equal(jobName("web", "0badcafe"), "mcp-probe-web-0badcafe");
    assert.equal(jobName("Web UI (blue)", "0badcafe"), "mcp-probe-web-ui-blue-0badcafe");
    assert.equal(jobName("ö", "0badcafe"), "mcp-probe-0badcafe");
    assert.match(jobName("x".repeat(200), "0badcafe"), /^[a-z0-9-]{1,63}$/);
  });

  it("refuses labels that belong to Jobs", () => {
    const consumer = { name: "web", labels: { "batch.kubernetes.io/job-name": "x" } };
    assert.throws(
      () => probeJob(probe([target]), consumer),
      /"web" has the label batch.kubernetes.io\/job-name/,
    );
  });
});

describe("cutover-runner: what keeps a probe from answering", () => {
  const waiting = (reason: string, message?: string): Parameters<typeof probeTrouble>[0] => ({
    spec: { containers: [{ name: "probe", image: "probe:1" }] },
    status: {
      containerStatuses: [
        {
          name: "probe",
          image: "",
          imageID: "",
          ready: false,
          restartCount: 0,
          state: { waiting: { reason, ...(message !== undefined && { message }) } },
        },
      ],
    },
  });

  it("names the image that cannot be pulled, and is patient with a registry", () => {
    const trouble = probeTrouble(waiting("ImagePullBackOff", "Back-off pulling image"));
    assert.match(
      trouble?.reason ?? "",
      /cannot pull its image probe:1 \(ImagePullBackOff: Back-off pulling image\)/,
    );
    assert.equal(trouble?.patienceSeconds, 20);
    assert.equal(probeTrouble(waiting("ErrImageNeverPull"))?.patienceSeconds, 0);
    assert.equal(probeTrouble(waiting("ContainerCreating")), undefined);
  });

  it("waits for a node as long as the run lasts", () => {
    const conditions = [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" },
    ];
    const trouble = probeTrouble({ status: { conditions } });
    assert.match(trouble?.reason ?? "", /cannot be scheduled \(Unschedulable: 0\/1 nodes\)/);
    assert.equal(trouble?.patienceSeconds, Infinity);
  });

  it("reads from events that a policy forbids the pod", () => {
    const message =
      'pods "x" is forbidden: violates PodSecurity "restricted:latest": seccompProfile';
    const event = { metadata: {}, involvedObject: {}, reason: "FailedCreate", message };
    assert.match(
      jobTrouble([event])?.reason ?? "",
      /^cannot be made: pods "x" is forbidden: violates PodSecurity/,
    );
    assert.equal(jobTrouble([{ ...event, reason: "SuccessfulCreate" }]), undefined);
  });

  it("says how a pod ended that left no answer", () => {
    const terminated = { exitCode: 137, reason: "OOMKilled" };
    const ended = {
      status: {
        containerStatuses: [
          {
            name: "probe",
            image: "",
            imageID: "",
            ready: false,
            restartCount: 0,
            state: { terminated },
          },
        ],
      },
    };
    assert.equal(
      endTrouble(ended, "FATAL: no heap\n"),
      'ended with exit code 137 (OOMKilled), saying "FATAL: no heap"',
    );
    assert.match(
      endTrouble({ status: { reason: "Evicted", message: "disk" } }, ""),
      /ended without running \(Evicted: disk\)/,
    );
  });

  it("looks at the probe's own container, whatever a mesh put beside it", () => {
    const pod = waiting("ErrImageNeverPull");
    const [own] = pod.status?.containerStatuses ?? [];
    assert.ok(own !== undefined && pod.status !== undefined);
    const sidecar = { ...own, name: "istio-proxy", state: { running: {} } };
    pod.status.containerStatuses = [
      sidecar,
      { ...own, state: { terminated: { exitCode: 0, reason: "Completed" } } },
    ];
    assert.equal(probeState(pod)?.terminated?.reason, "Completed");
    assert.equal(probeTrouble(pod), undefined);
  });

  it("takes only whole results from the log", () => {
    const result = {
      name: "a",
      url: "",
      ok: true,
      outcome: "ok",
      message: "fine",
      attempts: 1,
      latencyMs: 1,
    };
    const log = `(node:1) Warning: x\n${JSON.stringify(result)}\n{"name":"b","ok":tr\n{"level":30}\n`;
    const results = resultsIn(log);
    assert.deepEqual(results, [result]);
    assert.deepEqual(unanswered([target, { name: "b", url: "" }], results), ["b"]);
  });
});
