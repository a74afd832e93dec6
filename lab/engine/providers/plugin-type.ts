import type { Failure, ResourceType } from "./resource-type";
import type { JsonObject } from "./values";

/** A replacement for a real plugin, with its name and version. */
export interface Plugin {
  readonly name: string;
  /** The version of the package that the program uses. */
  readonly version: string;
  readonly types: readonly ResourceType[];
  /** @param config the known part of a provider's configuration */
  refuseConfig?(config: JsonObject): Failure[];
  configure?(config: JsonObject): void;
}
