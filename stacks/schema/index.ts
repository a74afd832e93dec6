export * from "./problems";
export * from "./prune";
export * from "./server";
export * from "./stack";
