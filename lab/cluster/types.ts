/** A Kubernetes the lab may use. */
export interface Cluster {
  /** How it came to be: named by the user, made with kind, or run directly on this machine. */
  readonly engine: "given" | "kind" | "bare";
  /** Path of a kubeconfig file. */
  readonly kubeconfig: string;
  /** The context in it. */
  readonly context: string;
  /** The address at which pods reach this machine. */
  readonly nodeIp: string;
  /** Loads an image archive (OCI layout or `docker save`) where the cluster's pods find it. */
  importImage(archive: string): Promise<void>;
  /** Whether the cluster has an image of this reference. */
  hasImage(ref: string): Promise<boolean>;
}

/** What `make status` says of the cluster. */
export interface ClusterStatus {
  readonly running: boolean;
  readonly engine?: Cluster["engine"];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly nodeIp?: string;
  /** A kubectl of the cluster's version, when the lab built one. */
  readonly kubectl?: string;
  /** Parts of a bare cluster that are recorded as started and do not run. */
  readonly dead?: readonly string[];
}
