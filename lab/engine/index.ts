export { chooseEngine } from "./choose";
export type { Engine, EngineRequest, StackOutputs } from "./types";
