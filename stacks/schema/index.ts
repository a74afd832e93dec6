export * from "./problems";
export * from "./server";
export * from "./stack";
