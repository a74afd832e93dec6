export * from "./cutover";
export * from "./database";
export * from "./namespace";
export * from "./server";
export * from "./studio";
