import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

import { engineAddress, servePlugin as serve } from "../grpc/serve";
import type { Plugin } from "./plugin-type";
import { providerService } from "./provider-service";

/** Serves as `pulumi-resource-<name>`, started by the engine. */
export function servePlugin(plugin: Plugin): Promise<void> {
  const engine = engineAddress(process.argv.slice(2));
  return serve(ResourceProviderService, providerService(plugin, engine));
}
