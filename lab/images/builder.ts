/** A program that builds Dockerfiles and keeps the images. */
export interface Builder {
  /** The references of its images. */
  list(): Promise<ReadonlySet<string>>;
  /** @param args arguments that all such programs support, the build's directory last */
  build(args: readonly string[]): Promise<void>;
  /** Writes images to one archive for a cluster to load. */
  save(refs: readonly string[], archive: string): Promise<void>;
  /** Removes images that the cluster has, and what only their builds needed. */
  forget(refs: readonly string[]): Promise<void>;
}

/** Time limit of one image, in seconds. */
export const buildSeconds = 1800;
