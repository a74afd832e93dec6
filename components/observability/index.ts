export * from "./alerts";
export { dashboards } from "./dashboards";
export * from "./monitors";
export * from "./observability";
export * from "./observer";
