import { createHash } from "node:crypto";

/** Where the application's rows point: to servers in the cluster, or to the ones inside the application's image. */
export type Target = "in-cluster" | "embedded";

export interface TableSpec {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly id?: string;
  readonly config: string;
  readonly type?: { readonly column: string; readonly value: string };
  readonly updatedAt?: string;
}

export interface RowSpec {
  readonly key: string;
  readonly url: string;
  readonly transport: "streamable-http";
  readonly headers?: Record<string, string>;
  readonly keep?: "all" | readonly string[];
  readonly set?: Record<string, string | null>;
  readonly aliases?: readonly string[];
  readonly seed?: { readonly condition?: string; readonly values: Record<string, string> };
  readonly secretKeys?: readonly string[];
}

export interface CutoverSpec {
  readonly name: string;
  readonly table: TableSpec;
  readonly rows: readonly RowSpec[];
  readonly deferred: readonly string[];
  readonly skip: readonly string[];
  readonly softReferences: readonly {
    readonly table: string;
    readonly where: string;
    readonly column: string;
    readonly format: "comma-separated";
  }[];
  readonly onConflict: "fail" | "keep" | "force";
  readonly fence: boolean;
  readonly timeouts?: { readonly lockSeconds?: number; readonly statementSeconds?: number };
  readonly maxRows?: number;
}

export interface RunMeta {
  readonly who: string;
  readonly stack: string;
  readonly commit?: string;
  readonly toolVersion: string;
}

export interface ProbeTarget {
  readonly name: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly auth?: "none" | "per-request";
  readonly requiredTools?: readonly string[];
  readonly minTools?: number;
}

export interface ProbeSpec {
  readonly from: "cluster" | "here";
  readonly namespace: string;
  readonly image: string;
  readonly imagePullSecrets?: string[];
  readonly consumers: { name: string; labels: Record<string, string>; serviceAccount?: string }[];
  readonly deadlineSeconds?: number;
}

export interface KubeRef {
  readonly context?: string;
}

export interface DatabaseRef {
  readonly connect:
    | "direct"
    | {
        readonly portForward: {
          readonly namespace: string;
          readonly service?: string;
          readonly pod?: string;
          readonly port: number;
        };
      };
  readonly tls?: "verify-full" | "verify-ca" | "disable";
}

/** Stand-in until the row engine exports its own. */
export function specHash(spec: CutoverSpec, target: Target): string {
  return createHash("sha256")
    .update(JSON.stringify([spec, target]))
    .digest("hex");
}

/** What the provider needs of the runner. */
export interface Runner {
  runCutoverStep(
    inputs: object,
    credentials: { databaseUrl: string; kubeconfig?: string },
  ): Promise<object>;
  runSettleStep(
    inputs: object,
    credentials: { databaseUrl: string; kubeconfig?: string },
  ): Promise<object>;
  readLedgerStep(
    inputs: object,
    credentials: { databaseUrl: string; kubeconfig?: string },
  ): Promise<{ generation: number; target: Target; planHash: string } | undefined>;
}

export interface RowChange {
  readonly key: string;
  readonly action: string;
  readonly from?: string;
  readonly to?: string;
  readonly drops?: readonly string[];
  readonly also?: readonly string[];
}

export interface RowPlan {
  readonly target: Target;
  readonly generation: number;
  readonly hash: string;
  readonly changes: readonly RowChange[];
  readonly warnings: readonly string[];
  readonly noop: boolean;
}
