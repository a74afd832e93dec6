/** One resource as a rule sees it: what the engine's analyzer hands over, and what a test recorded. */
export interface FleetResource {
  /** Pulumi's type token, for example `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** Inputs; after an update the outputs. A secret is in clear under the engine and a mark in a test. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  /** URNs of everything it depends on directly. Empty where one resource is looked at alone. */
  readonly dependencies: readonly string[];
}

/** What is wrong with which resource, in words that name the field and what to do. */
interface Violation {
  readonly urn: string;
  readonly message: string;
}

/** A rule that one resource can break by itself: it is checked before that resource is made. */
export interface ResourceRule {
  readonly name: string;
  readonly description: string;
  /** @returns what is wrong; nothing when the rule does not concern the resource */
  readonly check: (resource: FleetResource) => readonly string[];
}

/** A rule about resources together: it is checked when the program has registered all of them. */
export interface StackRule {
  readonly name: string;
  readonly description: string;
  readonly check: (resources: readonly FleetResource[]) => readonly Violation[];
}
