import { table } from "@mcp-fleet/terminal";
import { Command } from "commander";

import type { CliContext } from "../context";

export function listCommand(context: CliContext): Command {
  return new Command("list").description("the namespace's MCP servers").action(async () => {
    const kube = await context.cluster();
    const { items } = await kube.apps.listNamespacedDeployment({
      namespace: kube.namespace,
      labelSelector: "app.kubernetes.io/component=mcp-server",
    });
    const servers = items.map(({ metadata }) => ({ name: metadata?.name ?? "" }));
    await context.print(servers, () =>
      table(
        ["server"],
        servers.map(({ name }) => [name]),
      ),
    );
  });
}
