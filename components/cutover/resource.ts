import * as pulumi from "@pulumi/pulumi";

import {
  type CutoverSpec,
  type DatabaseRef,
  type IsolationSeen,
  type KubeRef,
  lockHash,
  type ProbedServer,
  type ProbeRun,
  type ProbeSpec,
  type RunMeta,
  type ServerRollout,
  type ServerTarget,
  specHash,
  type Target,
} from "./contract";
import { cutoverProvider, settleProvider } from "./provider";

const module_ = "mcp-fleet";

/** Credentials of a database role made for the cutover. A secret input, and a secret output for `read` and `delete`. */
export interface CutoverCredentials {
  readonly databaseUrl: string;
}

/** Arguments of {@link Cutover}. Plain values but for `credentials`, so that the plan's hash is known in a preview. */
export interface CutoverArgs {
  readonly target: Target;
  readonly spec: CutoverSpec;
  /** Recorded with the run. A change of it alone causes no run. */
  readonly meta: RunMeta;
  readonly probe: ProbeSpec;
  readonly targets: readonly ServerTarget[];
  /** The servers' workloads. Their rollouts must be complete before the probe, whatever the engine reports. */
  readonly servers?: pulumi.Input<readonly ServerRollout[]>;
  readonly kubernetes: KubeRef;
  readonly database: DatabaseRef;
  /** @default the stack's `databaseUrl`, read by the provider when it is configured */
  readonly credentials?: pulumi.Input<CutoverCredentials>;
}

/**
 * The database rows of one application, pointed at `target`. One permanent resource: rollback is an update of it,
 * never its removal. Depend on it through {@link generation}.
 */
export class Cutover extends pulumi.dynamic.Resource {
  /** Increases with every run that changed rows; 0 before the first. */
  declare readonly generation: pulumi.Output<number>;
  /** The run that wrote the rows, or the last one that did; empty before the first. */
  declare readonly runId: pulumi.Output<string>;
  /** Rows by action, for example `rewrite: 5`. */
  declare readonly counts: pulumi.Output<Record<string, number>>;
  declare readonly planHash: pulumi.Output<string>;
  /** The servers' answers before the last rewrite. */
  declare readonly probes: pulumi.Output<readonly ProbedServer[]>;
  declare readonly probeRuns: pulumi.Output<readonly ProbeRun[]>;
  /** Whether NetworkPolicies blocked an unauthorised pod at the last probe; undefined before. */
  declare readonly isolation: pulumi.Output<IsolationSeen | undefined>;

  constructor(name: string, args: CutoverArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      cutoverProvider,
      name,
      {
        ...withoutCredentials(args),
        ...secretHeaders({ spec: args.spec, targets: args.targets }),
        ...secretCredentials(args.credentials),
        specHash: specHash(args.spec, args.target),
        toolsLock: lockHash(args.targets),
        toolVersion: args.meta.toolVersion,
        // Whether `diff` needs the database; a preview works without it. In a preview the value is unknown and
        // not false, because a saved plan requires the inputs of its preview.
        live: pulumi.runtime.isDryRun() ? pulumi.unknown : true,
        generation: undefined,
        runId: undefined,
        planHash: undefined,
        counts: undefined,
        committedAt: undefined,
        probes: undefined,
        probeRuns: undefined,
        isolation: undefined,
      },
      withSecretOutputs(
        {
          ...secretHeaders({ spec: args.spec, targets: args.targets }),
          ...secretCredentials(args.credentials),
        },
        opts,
      ),
      module_,
      "Cutover",
    );
  }
}

/** Arguments of {@link Settle}. */
export interface SettleArgs {
  /** The cutover's generation; a new one makes Settle run. */
  readonly generation: pulumi.Input<number>;
  /** The cutover's run, whose trace Settle joins. */
  readonly runId?: pulumi.Input<string>;
  readonly spec: CutoverSpec;
  readonly toolVersion: string;
  readonly kubernetes: KubeRef;
  readonly database: DatabaseRef;
  /** The servers in the rows: probed again while the application rolls out. Empty when none is used. */
  readonly targets: readonly ServerTarget[];
  readonly probe: ProbeSpec;
  /** The Deployments whose pods must all be of the new generation. */
  readonly workloads: readonly { readonly namespace: string; readonly deployment: string }[];
  /**
   * How long old pods may take to terminate, in seconds.
   * @default the runner's
   */
  readonly deadlineSeconds?: number;
  readonly credentials?: pulumi.Input<CutoverCredentials>;
}

/** The end of a rollout: waits until no pod of an older generation is left, then removes the write fence. */
export class Settle extends pulumi.dynamic.Resource {
  declare readonly generation: pulumi.Output<number>;
  declare readonly settledAt: pulumi.Output<string | undefined>;

  constructor(name: string, args: SettleArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      settleProvider,
      name,
      {
        ...withoutCredentials(args),
        ...secretHeaders({ spec: args.spec, targets: args.targets }),
        ...secretCredentials(args.credentials),
        settledAt: undefined,
        fencedWrites: undefined,
        converted: undefined,
        removedFence: undefined,
      },
      withSecretOutputs(
        {
          ...secretHeaders({ spec: args.spec, targets: args.targets }),
          ...secretCredentials(args.credentials),
        },
        opts,
      ),
      module_,
      "Settle",
    );
  }
}

function withoutCredentials<T extends { readonly credentials?: unknown }>(
  args: T,
): Omit<T, "credentials"> {
  const rest: T & { credentials?: unknown } = { ...args };
  delete rest.credentials;
  return rest;
}

function secretCredentials(credentials: pulumi.Input<CutoverCredentials> | undefined): {
  credentials?: pulumi.Output<CutoverCredentials>;
} {
  return credentials === undefined ? {} : { credentials: pulumi.secret(credentials) };
}

/** A header may contain a credential, so inputs with headers are encrypted. Others need nothing. */
function secretHeaders(values: {
  readonly spec: CutoverSpec;
  readonly targets?: readonly ServerTarget[];
}): Record<string, pulumi.Output<unknown>> {
  const all = [...values.spec.rows, ...(values.targets ?? [])];
  if (!all.some(({ headers }) => headers !== undefined && Object.keys(headers).length > 0))
    return {};
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, pulumi.secret<unknown>(value)]),
  );
}

/** The provider's answer is in plain text; secret inputs must stay secret in the state. */
function withSecretOutputs(
  secrets: object,
  opts: pulumi.CustomResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  const names = Object.keys(secrets);
  return names.length === 0
    ? (opts ?? {})
    : pulumi.mergeOptions(opts, { additionalSecretOutputs: names });
}
