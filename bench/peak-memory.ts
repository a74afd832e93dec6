/** Loaded into a process by `node --require`: on its end it notes the most memory it had, in MiB, as a line of a file. */
import { appendFileSync } from "node:fs";

const file = process.env.MCP_FLEET_PEAK_MEMORY;
if (file !== undefined) {
  process.on("exit", () => appendFileSync(file, `${process.resourceUsage().maxRSS / 1024}\n`));
}
