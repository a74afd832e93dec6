/** One metric: what it is called, what it says, and by what it is told apart. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}
