import type { PulumiStack } from "@mcp-fleet/engine";
import type { StackConfig } from "@mcp-fleet/operations";

import type { Cluster } from "../../lab/cluster";
import { openStack, stackName } from "../../lab/engine";
import { testEngine } from "./engine";

/** A stack of this project beside the lab's own, in the lab's backend. */
export async function labStack(
  name: string,
  kubeconfig: string,
  config: StackConfig,
): Promise<PulumiStack> {
  const stack = await openStack(await testEngine(), { name: `${stackName}-${name}`, kubeconfig });
  await stack.configure(config);
  return stack;
}

/** Servers in a namespace that is there, with no application and no database. @param more beside, or instead */
export function serversAlone(
  cluster: Pick<Cluster, "kubeconfig" | "context">,
  namespace: string,
  more: Readonly<Record<string, unknown>>,
): StackConfig {
  return plainConfig({
    "kubernetes:kubeconfig": cluster.kubeconfig,
    "kubernetes:context": cluster.context,
    ...{ namespace, createNamespace: false },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    ...more,
  });
}

/** Keys without a namespace are the program's own. */
export function plainConfig(values: Readonly<Record<string, unknown>>): StackConfig {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.includes(":") ? key : `mcp-fleet:${key}`,
      { value, secret: false },
    ]),
  );
}
