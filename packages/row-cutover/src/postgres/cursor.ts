import type { Client } from "pg";

/** Most rows in memory at once when a whole table is read. Fewer where they are large. */
export const scanBatch = 2000;

const firstBatch = 200;

/** About how many characters are in memory at once. */
const batchCharacters = 16 * 1024 * 1024;

/** Reads any number of rows in batches. */
export async function* inBatches<T extends object>(
  client: Client,
  query: string,
  values: readonly string[] = [],
): AsyncGenerator<T[]> {
  const cursor = `mcp_cutover_${(cursors += 1)}`;
  await client.query(`declare ${cursor} no scroll cursor for ${query}`, [...values]);
  for (let count = firstBatch; ;) {
    const { rows } = await client.query<T>(`fetch ${count} from ${cursor}`);
    if (rows.length > 0) yield rows;
    if (rows.length < count) break;
    const size = rows.reduce((sum, row) => sum + sizeOf(row), 0) / count;
    count = Math.max(1, Math.min(scanBatch, count * 4, Math.floor(batchCharacters / size)));
  }
  await client.query(`close ${cursor}`);
}

/** Characters of a row's texts, and of those in its objects. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + sizeOf(inner), 1);
}

let cursors = 0;
