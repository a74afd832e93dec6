/**
 * `Observability`: monitors, alerts, dashboards; `FleetObserver`, `FleetExporter`: the pods that measure.
 *
 * @module
 */
export * from "./alerts";
export { dashboards } from "./dashboards";
export * from "./exporter";
export * from "./isolation-check";
export * from "./monitors";
export * from "./observability";
export * from "./observer";
