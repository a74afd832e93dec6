import { once } from "node:events";

import type { Command } from "commander";

import { wholeNumber } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { version } from "../package.json";

interface ServeOptions {
  readonly http?: true;
  readonly host: string;
  readonly port: number;
  readonly allowHost?: readonly string[];
  readonly servers?: readonly string[];
  readonly forceStop: boolean;
  readonly scaleToZero: boolean;
}

export function serveCommand(context: CliContext): Command {
  return newCommand("serve", {
    group: "Servers",
    example: "mcp-fleet serve -n llmctl --no-force-stop",
  })
    .description("offer list, status, start, stop and scale as an MCP server, for one namespace")
    .option("--http", "streamable HTTP at /mcp, with /healthz (default: standard input and output)")
    .option(
      "--host <address>",
      "address to listen on; others than loopback need MCP_FLEET_TOKEN",
      "127.0.0.1",
    )
    .option("--port <port>", "port to listen on; 0 for any", wholeNumber, 8080)
    .option(
      "--allow-host <names...>",
      "what the Host header may be (default: loopback names on loopback)",
    )
    .option(
      "--servers <names>",
      "the servers that may be changed, with commas between (default: all of the namespace)",
      namesIn,
    )
    .option("--no-force-stop", "refuse to end pods without their grace period")
    .option("--no-scale-to-zero", "refuse to bring a server to no replica, so to stop it too")
    .action(async (options: ServeOptions) => {
      const { listen, serveStdio } = await import("@mcp-fleet/manager");
      const { openLog } = await import("@mcp-fleet/telemetry");
      const manager = {
        version,
        kube: await context.cluster(),
        policy: {
          allowForceStop: options.forceStop,
          allowScaleToZero: options.scaleToZero,
          ...(options.servers === undefined ? {} : { servers: options.servers }),
        },
        // Standard output belongs to the protocol, and stays free of logs over HTTP too.
        log: await openLog("mcp-fleet-manager", 2),
      };
      if (options.http !== true) return serveStdio(manager, context.signal);
      const { MCP_FLEET_TOKEN: token = "" } = process.env;
      const { host, port, allowHost } = options;
      const listening = await listen(manager, {
        host,
        port,
        ...(token === "" ? {} : { token }),
        ...(allowHost === undefined ? {} : { allowedHosts: allowHost }),
      });
      if (!context.signal.aborted) await once(context.signal, "abort");
      await listening.close();
    });
}

function namesIn(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}
