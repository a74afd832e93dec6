/** Limits concurrent work; the others wait in order of arrival. */
export class Turns {
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly atOnce: number) {}

  async take<T>(work: () => Promise<T>): Promise<T> {
    while (this.running.size >= this.atOnce) await Promise.race(this.running);
    const result = work();
    const settled: Promise<void> = result.then(
      () => void this.running.delete(settled),
      () => void this.running.delete(settled),
    );
    this.running.add(settled);
    return result;
  }
}

/** Runs tasks concurrently. It returns when all have ended, and then throws the first error. */
export async function all<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return Promise.all(works);
}
