export * from "./cutover";
export * from "./database";
export * from "./namespace";
export * from "./observability";
export * from "./server";
export * from "./studio";
