export * from "./problems";
export * from "./prune";
export * from "./server";
export * from "./shared";
export * from "./stack";
