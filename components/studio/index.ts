export * from "./account";
export * from "./studio";
