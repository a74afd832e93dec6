import type { RowChange } from "./results";

const listedChanges = 1000;

/** Changes of many rows. Rows with the same change share one entry. */
export class ChangeList {
  private readonly known = new Map<string, RowChange & { count: number }>();
  private readonly keys = new Set<string>();

  add({ count = 1, from, ...rest }: RowChange): void {
    // What a row was before is left out once the list is full.
    const change = {
      ...rest,
      ...(from === undefined || this.known.size >= listedChanges ? {} : { from }),
    };
    const id = JSON.stringify(change);
    const before = this.known.get(id)?.count ?? 0;
    this.known.set(id, { ...change, count: before + count });
    this.keys.add(change.key);
  }

  get size(): number {
    return this.known.size;
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  all(): RowChange[] {
    return [...this.known.values()];
  }
}
