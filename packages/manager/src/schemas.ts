import { maxReplicas } from "@mcp-fleet/lifecycle";
import { z } from "zod";

const state = z.enum(["running", "stopped", "scaling", "pending", "degraded"]);

export const nameInput = z.string().describe("The server's name, as list_mcp_servers shows it");
export const timeoutInput = z
  .number()
  .positive()
  .max(3600)
  .default(300)
  .describe("How long to wait, in seconds");
export const replicasInput = z
  .int()
  .min(0)
  .max(maxReplicas)
  .describe(`Wanted replicas, 0 to ${maxReplicas}`);

const summary = {
  name: z.string(),
  namespace: z.string(),
  status: state,
  replicas: z.number().describe("Wanted"),
  readyReplicas: z.number(),
  endpoints: z.array(z.string()),
};

export const listOutput = { servers: z.array(z.object(summary)) };

export const statusOutput = {
  ...summary,
  availableReplicas: z.number(),
  updatedReplicas: z.number(),
  image: z.string(),
  conditions: z.array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: z.string().optional(),
      message: z.string().optional(),
      lastUpdate: z.string().optional(),
    }),
  ),
  lastActivity: z.string().optional(),
  lastActivityFrom: z.string().optional(),
  troubles: z.array(z.string()).describe("What keeps pods from being ready"),
};

export const changeOutput = {
  name: z.string(),
  namespace: z.string(),
  before: z.number().describe("Wanted replicas before"),
  after: z.number().describe("Wanted replicas now"),
  changed: z.boolean().describe("False when it was as asked for already"),
  status: state,
  readyReplicas: z.number(),
  killedPods: z.array(z.string()).optional(),
};
