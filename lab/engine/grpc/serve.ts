import { fstatSync } from "node:fs";

import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

import { grpc } from "./sdk";

/** The engine's limit for one message in bytes: a state with many resources is one message. */
export const messageLimit = 400 * 1024 * 1024;

/** Serves one gRPC service on a free port of this machine. */
export function listen(
  service: ServiceDefinition,
  handlers: UntypedServiceImplementation,
): Promise<{ server: Server; port: number }> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": messageLimit,
    "grpc.max_send_message_length": messageLimit,
  });
  server.addService(service, handlers);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve({ server, port });
      else reject(error);
    });
  });
}

/**
 * Serves as a plugin of the Pulumi CLI: the port is the first line of standard output. The process ends when the
 * CLI interrupts it, and when the CLI itself is gone.
 *
 * @param atEnd runs before the process ends
 */
export async function servePlugin(
  service: ServiceDefinition,
  handlers: UntypedServiceImplementation,
  atEnd: () => void | Promise<void> = () => undefined,
): Promise<void> {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void Promise.resolve(atEnd()).finally(() => process.exit(0));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  process.stdout.on("error", end);
  process.stderr.on("error", end);
  // The CLI holds the other end and never writes to it.
  const input = fstatSync(0);
  if (input.isFIFO() || input.isSocket()) process.stdin.on("end", end).resume();
  const { port } = await listen(service, handlers);
  process.stdout.write(`${port}\n`);
}

/** The address of the engine: the last argument that the CLI starts a plugin with. */
export function engineAddress(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last === undefined || last.startsWith("-") ? undefined : last;
}
