/** An error and its causes, the outermost first. Of several addresses that were tried, only the first. */
export function* causes(error: unknown): Generator<Error> {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    yield at;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
}
