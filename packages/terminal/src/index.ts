export { table } from "./table";
