/** How many calls a manager answers at once. One that waits for a server holds its request, and with it memory. */
export const maxCalls = 32;

/** Counts what is under way, and says when it is enough. */
export class Calls {
  private underWay = 0;

  /** @param limit how many at once. @default {@link maxCalls} */
  constructor(private readonly limit = maxCalls) {}

  /** Whether one more may begin; it has to {@link end}. */
  begin(): boolean {
    if (this.underWay >= this.limit) return false;
    this.underWay += 1;
    return true;
  }

  end(): void {
    this.underWay -= 1;
  }
}
