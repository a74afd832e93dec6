export { type Column, facts, table } from "./table";
export { bullets, paragraphs } from "./text";
