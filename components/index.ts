export * from "./cutover";
export * from "./database";
export * from "./manager";
export * from "./mesh";
export * from "./namespace";
export * from "./observability";
export * from "./server";
export * from "./studio";
