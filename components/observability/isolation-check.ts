import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { assertRestricted, defaultUser, hardenedPod, objectLabels, workloadLabel } from "../core";
import { metricsLabels } from "./monitors";

/** Arguments of {@link IsolationCheck}. */
export interface IsolationCheckArgs {
  readonly namespace: string;
  readonly application: string;
  /** The image built from `images/probe`. */
  readonly image: string;
  /** Services that only their consumers may reach. */
  readonly services: readonly k8s.core.v1.Service[];
  /** @default every 15 minutes */
  readonly schedule?: string;
  readonly imagePullSecrets?: readonly string[];
}

/** The label by which the exporter finds its pods: `isolation-check.ts` of packages/operations. */
const mark = { [workloadLabel]: "isolation-check" };

/** Time limit of one attempt, in seconds. */
const trySeconds = 120;

/**
 * A CronJob that tries to reach the fleet's Services from a pod whose labels no NetworkPolicy allows. The result
 * is in the pod's termination message, where the exporter reads it, so no process needs the right to create
 * pods.
 */
export class IsolationCheck extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:observability:IsolationCheck";

  constructor(name: string, args: IsolationCheckArgs, opts?: pulumi.ComponentResourceOptions) {
    super(IsolationCheck.type, name, { namespace: args.namespace }, opts);
    const { namespace, application, schedule = "*/15 * * * *" } = args;
    const context = metricsLabels(`${application}-isolation-check`, application);
    const template = { metadata: { labels: mark }, spec: podOf(args) };
    assertRestricted(`IsolationCheck ${name}`, template);
    new k8s.batch.v1.CronJob(
      name,
      {
        metadata: { name: context.name, namespace, labels: objectLabels(context) },
        spec: {
          schedule,
          concurrencyPolicy: "Forbid",
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 1,
          jobTemplate: {
            spec: { backoffLimit: 0, activeDeadlineSeconds: trySeconds, template },
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function podOf({
  image,
  services,
  imagePullSecrets = [],
}: IsolationCheckArgs): k8s.types.input.core.v1.PodSpec {
  const pod = hardenedPod({
    container: {
      name: "isolation-check",
      image,
      args: ["reach"],
      env: [
        { name: "MCP_PROBE_ENDPOINTS", value: endpointsOf(services) },
        { name: "MCP_PROBE_SUMMARY", value: "/dev/termination-log" },
      ],
      resources: {
        requests: { cpu: "10m", memory: "64Mi" },
        limits: { cpu: "500m", memory: "192Mi" },
      },
    },
    serviceAccountName: "default",
    user: defaultUser,
    writable: [],
    imagePullSecrets,
    drainSeconds: 0,
    graceSeconds: 2,
  });
  return { ...pod, restartPolicy: "Never" };
}

/** By address, because the pod may not resolve names. */
function endpointsOf(services: IsolationCheckArgs["services"]): pulumi.Output<string> {
  const endpoints = services.map(({ metadata, spec }) =>
    pulumi.all([metadata, spec]).apply(([{ name }, { clusterIP, ports }]) => ({
      name,
      host: clusterIP,
      port: ports[0]?.port,
    })),
  );
  return pulumi.jsonStringify(endpoints);
}
