/** A program that builds Dockerfiles and keeps the images. */
export interface Builder {
  /** The references it has. */
  list(): Promise<ReadonlySet<string>>;
  /** @param args those that all such programs know, the build's directory last */
  build(args: readonly string[]): Promise<void>;
  /** Writes images to one archive for a cluster to load. */
  save(refs: readonly string[], archive: string): Promise<void>;
  /** Gives up images that the cluster has, and what only their builds needed. */
  forget(refs: readonly string[]): Promise<void>;
}

/** How long one image may take, in seconds. */
export const buildSeconds = 1800;
