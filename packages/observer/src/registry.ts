import { parseBoundedJson, textWithin } from "@mcp-fleet/errors";
import { z } from "zod";

const timeoutMs = 5000;
/** Thousands of agents; the observer's pod has 256 MiB. */
const bounds = { characters: 4 * 1024 * 1024, depth: 32, values: 200_000 } as const;

/** The part of the registry's `GET /agents` that is used. It answers null for an empty list. */
const answer = z.object({
  agents: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        status: z.string(),
        endpoint: z.string().optional(),
        last_seen: z.string().optional(),
        dependencies_resolved: z.number().default(0),
        total_dependencies: z.number().default(0),
      }),
    )
    .nullable(),
});

/** One agent process, as the registry reports it. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly endpoint?: string;
  readonly lastSeen?: string;
  readonly unresolved: number;
}

/**
 * Requests the list of agents from the registry.
 * @throws Error when it does not answer within 5 s, or not as a registry does.
 */
export async function readAgents(registry: string): Promise<Agent[]> {
  const response = await fetch(new URL("/agents", registry), {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: "error",
  });
  if (!response.ok) throw new Error(`GET /agents answered HTTP ${response.status}`);
  const text = await textWithin(response.body, bounds.characters);
  const { agents } = answer.parse(parseBoundedJson(text, bounds));
  return (agents ?? []).map((one) => ({
    id: one.id,
    name: one.name,
    status: one.status,
    ...(one.endpoint === undefined ? {} : { endpoint: one.endpoint }),
    ...(one.last_seen === undefined ? {} : { lastSeen: one.last_seen }),
    unresolved: Math.max(0, one.total_dependencies - one.dependencies_resolved),
  }));
}
