export { type Correlation, correlation, withRun } from "./correlation";
export { type Log, openLog, type LogTarget } from "./log";
export { type Span, traced, tracingWanted } from "./trace";
export type { Attributes } from "./attributes";
