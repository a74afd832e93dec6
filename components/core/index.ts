export * from "./api-access";
export * from "./labels";
export * from "./names";
export * from "./security";
export * from "./service-mesh";
export * from "./transform";
export * from "./workload";
