import {
  askCandidate,
  askServers,
  type Candidate,
  type Credentials,
  type OnProgress,
  type ServerTarget,
} from "@mcp-fleet/cutover-runner";
import { UserError } from "@mcp-fleet/errors";
import { connectKube, type Kube, type WorkloadRef } from "@mcp-fleet/kube";
import { listMcpServers } from "@mcp-fleet/lifecycle";
import type { ProbeResult, ToolDefinition } from "@mcp-fleet/mcp-probe";
import { gateContainer } from "@mcp-fleet/schema";

import type { Fleet } from "../fleet";
import { serviceAddress } from "../services";

/** What a server lists. */
export interface ListedTools {
  readonly server: string;
  readonly tools: readonly ToolDefinition[];
}

/**
 * Asks servers of the stack for their tools, from a pod with the labels of one consumer.
 * @param names keys of the servers. Empty: all
 * @param signal ends the question, and removes what was made for it
 * @throws {UserError} naming each server that does not answer, or keeps its tools for clients with credentials
 */
export async function askTools(
  fleet: Fleet,
  credentials: Credentials,
  names: readonly string[],
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<ListedTools[]> {
  const targets = targetsOf(fleet, names);
  const probe = { ...fleet.probe, definitions: true, consumers: fleet.probe.consumers.slice(0, 1) };
  const inputs = { ...fleet, probe, targets, ...(signal === undefined ? {} : { signal }) };
  const [asked] = await askServers(inputs, credentials, onProgress);
  const results = asked?.results ?? [];
  const silent = results.filter(({ definitions }) => definitions === undefined);
  if (silent.length === 0) return results.map(listed);
  throw new UserError(
    `No list of tools came from ${silent.length} of ${results.length} MCP servers. ${silent.map(({ message }) => message).join(" ")}`,
    silent.every(({ outcome }) => outcome === "auth-required")
      ? perRequest
      : "See what mcp-fleet verify says, and try again once they answer; or name the others.",
  );
}

/** A release of a server that does not run yet. */
interface CandidateImage {
  /** The server's key. */
  readonly name: string;
  /** Its image; all else is as the server that runs has it. */
  readonly image: string;
  /** Ends the question, and removes what was made for it. @default nothing does */
  readonly signal?: AbortSignal;
}

/**
 * Asks a release of one server that does not run yet.
 * @throws {UserError} when it cannot be started, or does not list its tools
 */
export async function askCandidateTools(
  fleet: Fleet,
  credentials: Credentials,
  { name, image, signal }: CandidateImage,
  onProgress?: OnProgress,
): Promise<ListedTools> {
  const [target] = targetsOf(fleet, [name]);
  if (target === undefined) throw new Error("no target");
  const kube = await connectKube(fleet.kubernetes, credentials);
  const workload = await workloadOf(kube, fleet, target);
  const candidate: Candidate = {
    ...{ workload, image, target, without: [gateContainer] },
    ...(signal === undefined ? {} : { signal }),
  };
  const probe = { ...fleet.probe, definitions: true };
  const result = await askCandidate(kube, fleet.spec.name, probe, candidate, onProgress);
  if (result.definitions !== undefined) return listed(result);
  throw new UserError(
    `With ${image} no list of tools came. ${result.message}`,
    result.outcome === "auth-required"
      ? perRequest
      : "An update to this image would fail the same way: take another one, or correct its configuration.",
  );
}

const perRequest =
  'Leave servers with auth: "per-request" out, by naming the others: nobody here has their clients\' credentials.';

const listed = ({ name, definitions = [] }: ProbeResult): ListedTools => ({
  server: name,
  tools: definitions,
});

/** Without what they are held against: what they list is the question. */
function targetsOf(fleet: Fleet, names: readonly string[]): ServerTarget[] {
  const wanted = askedServers(fleet, names);
  return fleet.targets
    .filter(({ name }) => wanted.includes(name))
    .map(({ lock, requiredTools, minTools, ...target }) => ({ ...target, minTools: 0 }));
}

/**
 * Keys of the servers that can be asked.
 * @param names of those that are wanted. Empty: all
 * @throws {UserError} for a name that is none of them
 */
export function askedServers(
  { targets, servers }: Pick<Fleet, "targets" | "servers">,
  names: readonly string[],
): readonly string[] {
  const keys = Object.keys(servers).filter((key) => targets.some(({ name }) => name === key));
  const unknown = names.find((name) => !keys.includes(name));
  if (unknown !== undefined)
    throw new UserError(
      `The stack has no server ${JSON.stringify(unknown)} that a cutover asks.`,
      `Name one of: ${keys.join(", ")}.`,
      { exitCode: 3 },
    );
  return names.length === 0 ? keys : [...new Set(names)];
}

/** The workload behind a server's Service. */
async function workloadOf(
  kube: Kube,
  { probe: { namespace } }: Fleet,
  { name, url }: ServerTarget,
): Promise<WorkloadRef> {
  const service = serviceAddress(url, namespace)?.service;
  const known = await listMcpServers(kube, { namespace });
  const server = known.find(({ services }) => service !== undefined && services.includes(service));
  if (server === undefined)
    throw new UserError(
      `No workload of ${name} runs in namespace ${namespace}.`,
      "Start the server first: mcp-fleet list says what is there.",
      { exitCode: 3 },
    );
  return { kind: server.kind, namespace, name: server.workload };
}
