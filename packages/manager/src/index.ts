export { type HttpOptions, listen, type Listening } from "./http";
export { createManager, type ManagerOptions, type ManagerPolicy } from "./server";
export { serveStdio } from "./stdio";
