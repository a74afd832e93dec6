export { integratedServers } from "./integrated";
