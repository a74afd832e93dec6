export { mcpJson, type McpJson, mergeMcpJson, type MergedFile } from "./merge";
export { readClientFile, writeClientFile } from "./file";
