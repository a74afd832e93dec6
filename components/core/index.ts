export * from "./api-access";
export * from "./labels";
export * from "./names";
export * from "./security";
export * from "./transform";
export * from "./workload";
