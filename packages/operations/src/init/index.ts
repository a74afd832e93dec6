export { type Draft, type DraftInput, draftStack, isStudio } from "./draft";
export { type ClusterSketch, lookAtCluster } from "./look";
export { recognise } from "./recognise";
