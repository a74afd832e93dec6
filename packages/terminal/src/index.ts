export { type Column, facts, type Row, table } from "./table";
export { bullets, paragraphs } from "./text";
