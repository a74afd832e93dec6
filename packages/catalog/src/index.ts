export * from "./integrated";
export * from "./types";
