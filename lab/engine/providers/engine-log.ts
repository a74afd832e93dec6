import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

import { grpc } from "../grpc/sdk";

/** Has the engine show a message to its user. A failure to do so is nobody's concern. */
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
