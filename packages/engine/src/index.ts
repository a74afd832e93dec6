export { countsOf, EventReader, nameOf } from "./events";
export { LockedStackError } from "./failure";
export { call } from "./process";
export { cutoverResources, reveal } from "./resources";
export { PulumiStack } from "./stack";
export { StackFile } from "./stack-file";
export {
  installedPlugins,
  pluginVersion,
  type Toolchain,
  toolchain,
  type WantedPlugin,
} from "./toolchain";
export type {
  Change,
  Done,
  Op,
  Preview,
  RunOptions,
  SecretSetting,
  StackPlace,
  StateResource,
} from "./types";
