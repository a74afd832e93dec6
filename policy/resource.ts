/** One resource as a rule sees it: what the engine's analyzer hands over, and what a test recorded. */
export interface FleetResource {
  /** Pulumi's type token, for example `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** Inputs; after an update the outputs. A secret is in plain text under the engine and a mark in a test. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  /** URNs of its direct dependencies. Empty where one resource is checked alone. */
  readonly dependencies: readonly string[];
}

/** What is wrong with which resource; the text names the field and the fix. */
interface Violation {
  readonly urn: string;
  readonly message: string;
}

/** A rule for a single resource, checked before that resource is created. */
export interface ResourceRule {
  readonly name: string;
  readonly description: string;
  /** @returns the violations; none when the rule does not apply to the resource */
  readonly check: (resource: FleetResource) => readonly string[];
}

/** A rule for resources together, checked when the program has registered all of them. */
export interface StackRule {
  readonly name: string;
  readonly description: string;
  readonly check: (resources: readonly FleetResource[]) => readonly Violation[];
}
