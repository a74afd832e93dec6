export { type Correlation, correlation, withRun } from "./correlation";
export { type Log, openLog, type LogTarget } from "./log";
export { type Attributes, type Span, traced, tracingWanted } from "./trace";
