#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";

import {
  cleanJson,
  cleanLine,
  cleanText,
  isUserError,
  messageOf,
  UserError,
} from "@mcp-fleet/errors";

import { Gate } from "./gate/gate";
import { serveGate } from "./gate/serve";
import { parseGate } from "./gate/settings";
import { probeAll } from "./probe";
import { parseEndpoints, reach, summaryOf } from "./reach";
import { parseRequest } from "./targets";

/**
 * Probes the servers in the file given as argument, else in MCP_PROBE_TARGETS. Prints one line of JSON for each
 * server as soon as its result is known. Exit code 0: all passed; 1: at least one failed; 2: invalid input.
 */
async function main(): Promise<number> {
  if (process.argv[2] === "reach") return tryEndpoints();
  if (process.argv[2] === "gate") return keepGate();
  const { targets, options } = parseRequest(readInput(process.argv[2]));
  const results = await probeAll(targets, options, (result) => {
    process.stdout.write(cleanJson(`${JSON.stringify(result)}\n`));
  });
  return results.every((result) => result.ok) ? 0 : 1;
}

/**
 * `mcp-probe reach`: tries the addresses in MCP_PROBE_ENDPOINTS. Prints one line of JSON with all results, and
 * writes the summary to the file in MCP_PROBE_SUMMARY if that is set. The exit code is 0 whatever it found.
 */
async function tryEndpoints(): Promise<number> {
  const results = await reach(parseEndpoints(process.env.MCP_PROBE_ENDPOINTS ?? "[]"));
  process.stdout.write(`${JSON.stringify({ results })}\n`);
  const { MCP_PROBE_SUMMARY: file } = process.env;
  if (file !== undefined) writeFileSync(file, summaryOf(results));
  return 0;
}

/**
 * `mcp-probe gate`: the gate of a server's pod, as MCP_PROBE_GATE says, at the pod's address POD_IP. Prints a line whenever
 * what it knows of the server changes. Ends when it is told to.
 */
async function keepGate(): Promise<number> {
  const { MCP_PROBE_GATE: text = "", POD_IP: address = "" } = process.env;
  const settings = parseGate(text, address);
  const end = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => end.abort());
  const gate = new Gate(settings, (message) => {
    process.stdout.write(`${cleanLine(message, 4000)}\n`);
  });
  const server = await serveGate(settings.port, () => gate.state);
  try {
    await gate.run(end.signal);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return 0;
}

function readInput(file: string | undefined): string {
  if (file === undefined) return process.env.MCP_PROBE_TARGETS ?? "[]";
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(
      `The list of MCP servers to probe cannot be read: ${messageOf(error)}.`,
      "Name a readable file, or leave the argument out and set MCP_PROBE_TARGETS.",
      { exitCode: 2 },
    );
  }
}

main().then(
  (code) => {
    // A gate that is told to end may have a question under way, which nobody waits for any more.
    if (process.argv[2] === "gate") process.exit(code);
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(cleanText(`${isUserError(error) ? error.message : messageOf(error)}\n`));
    process.exitCode = isUserError(error) ? error.exitCode : 2;
  },
);
