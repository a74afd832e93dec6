import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `holds` returns true; fails with its last error. */
export async function eventually(
  what: string,
  holds: () => Promise<unknown>,
  seconds = 90,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`after ${seconds} s it is not so that ${what}`, { cause: last });
    }
    await sleep(500);
  }
}
