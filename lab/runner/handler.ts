import type { State, StoredResource } from "./state";
import type { Op, RunnerConfig } from "./types";
import type { JsonObject } from "./wire";

/** A resource as the program registers it; references are resolved, secrets are wrapped. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: JsonObject;
  /** URN of the explicit provider, if any. */
  readonly provider?: string;
  readonly dependencies: readonly string[];
  /** Output names the program wants hidden. */
  readonly secretOutputs: readonly string[];
  /** Seconds, from `customTimeouts`. */
  readonly createTimeout?: number;
  readonly updateTimeout?: number;
}

/** What a step did, or would do in a preview (then `id` is undefined for a new resource). */
export interface Outcome {
  readonly op: Op;
  readonly id?: string;
  readonly outputs: JsonObject;
  /** The inputs to record, when checking changed them. */
  readonly inputs?: JsonObject;
  /** The old object stays until the end of the run, because a new one took its place. */
  readonly replaced?: boolean;
}

/** Thrown when the resource exists now but did not become ready: it is recorded, and tried again by the next run. */
export class InitFailure extends Error {
  constructor(
    readonly outcome: Outcome,
    readonly reasons: readonly string[],
    readonly error: Error,
  ) {
    super(error.message);
  }
}

/** What a handler may know of the run. */
export interface Context {
  readonly preview: boolean;
  readonly project: string;
  readonly config: RunnerConfig;
  readonly kubeconfig?: string;
  readonly state: State;
  readonly signal: AbortSignal;
  /** Inputs of an explicit provider, secrets in clear; undefined when there is none of that URN. */
  providerInputs(urn: string | undefined): JsonObject | undefined;
  /** Something a preview could not look at; said once. */
  warn(text: string): void;
}

/** Applies the resources of one kind. Every method is bounded in time. */
export interface Handler {
  /** Whether resources of this type token are its own. */
  handles(type: string): boolean;
  /** Makes the resource what the program says; in a preview only tells what that would do. */
  apply(resource: Registration, old: StoredResource | undefined): Promise<Outcome>;
  /** Removes it; one that is gone already is no error. */
  remove(old: StoredResource): Promise<void>;
  /** Looks up an existing resource for `Type.get`. */
  read?(resource: Registration, id: string): Promise<JsonObject>;
}
