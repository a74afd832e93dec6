/** How many calls a manager answers at once. A waiting call occupies a request, and with it memory. */
export const maxCalls = 32;

/** Counts running calls, up to a limit. */
export class Calls {
  private underWay = 0;

  /** @param limit how many at once. @default {@link maxCalls} */
  constructor(private readonly limit = maxCalls) {}

  /** Whether another call may begin; each one must {@link end}. */
  begin(): boolean {
    if (this.underWay >= this.limit) return false;
    this.underWay += 1;
    return true;
  }

  end(): void {
    this.underWay -= 1;
  }
}
