export { chooseEngine } from "./choose";
export { pulumiOfLab } from "./pulumi";
export type { Engine, EngineRequest, StackOutputs } from "./types";
