export * from "./contract";
export * from "./resource";
