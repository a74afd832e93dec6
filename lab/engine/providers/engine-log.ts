import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

import { grpc } from "../grpc/sdk";

/** Shows a message to the engine's user. A failure to do so is ignored. */
export function tellEngine(address: string, message: string): Promise<void> {
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  const request = new LogRequest().setSeverity(LogSeverity.INFO).setMessage(message);
  return new Promise((resolve) => {
    client.log(request, () => {
      client.close();
      resolve();
    });
  });
}
