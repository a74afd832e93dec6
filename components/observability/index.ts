export * from "./alerts";
export { dashboards } from "./dashboards";
export * from "./exporter";
export * from "./isolation-check";
export * from "./monitors";
export * from "./observability";
export * from "./observer";
