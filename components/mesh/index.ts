export * from "./agent";
export * from "./agent-crd";
export * from "./names";
export * from "./registry";
export * from "./service-mesh";
