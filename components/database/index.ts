export * from "./address";
export * from "./admin";
export * from "./database";
