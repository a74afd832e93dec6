import type { Failure, ResourceType } from "./resource-type";
import type { JsonObject } from "./values";

/** A plugin that stands in for a real one, under its name and version. */
export interface Plugin {
  readonly name: string;
  /** Of the package that the program uses. */
  readonly version: string;
  readonly types: readonly ResourceType[];
  /** @param config what is known of a provider's configuration */
  refuseConfig?(config: JsonObject): Failure[];
  configure?(config: JsonObject): void;
}
