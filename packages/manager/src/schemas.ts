import { maxReplicas } from "@mcp-fleet/lifecycle";
import { z } from "zod";

const state = z
  .enum(["running", "stopped", "scaling", "pending", "updating", "failed", "degraded"])
  .describe("failed: its newest rollout cannot complete; old pods may still serve");

const kind = z.enum(["Deployment", "StatefulSet"]);

const obstacles = z
  .array(z.string())
  .describe(
    "What is in the way of reaching or changing it: a paused rollout, an autoscaler, a Service",
  );

export const nameInput = z
  .string()
  .describe(
    "The server's name, as list_mcp_servers shows it; that of its Deployment, StatefulSet or Service too",
  );
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
  kind,
  workload: z.string().describe("Name of its Deployment or StatefulSet"),
  services: z
    .array(z.string())
    .describe("Those that select its pods; the first is the one to call"),
  status: state,
  reason: z.string().optional().describe("Why it is not running; absent when it is, or is stopped"),
  replicas: z.number().describe("Wanted"),
  readyReplicas: z.number(),
  endpoints: z.array(z.string()),
  url: z.string().optional().describe("Where clients in the cluster call it"),
  obstacles,
};

export const listOutput = { servers: z.array(z.object(summary)) };

export const statusOutput = {
  ...summary,
  availableReplicas: z.number(),
  updatedReplicas: z.number(),
  image: z.string().describe("Of the newest template"),
  serving: z
    .array(z.object({ image: z.string(), pods: z.number() }))
    .describe("Images of the pods that are ready"),
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
  lastLines: z
    .array(z.object({ pod: z.string(), container: z.string(), lines: z.array(z.string()) }))
    .describe("The end of what failing containers printed"),
};

export const changeOutput = {
  name: z.string(),
  namespace: z.string(),
  kind,
  workload: z.string(),
  before: z.number().describe("Wanted replicas before"),
  after: z.number().describe("Wanted replicas now"),
  changed: z.boolean().describe("False when it was as asked for already"),
  status: state,
  readyReplicas: z.number(),
  obstacles,
  killedPods: z.array(z.string()).optional(),
};
