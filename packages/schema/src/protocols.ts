import { z } from "zod";

/** The MCP protocol versions of a client: the probe offers and accepts these. */
export const protocols = z
  .array(z.enum(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]))
  .min(1, "must name a version, or be left out");
