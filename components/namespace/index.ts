export * from "./isolation";
