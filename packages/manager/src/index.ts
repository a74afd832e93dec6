export { type HttpOptions, listen, type Listening } from "./http";
export type { ManagerPolicy } from "./policy";
export { createManager, type ManagerOptions } from "./server";
export { serveStdio } from "./stdio";
