import { createHash } from "node:crypto";

import { messageOf, UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

/** A Kubernetes object as the program declares it; secret values are still wrapped. */
export interface Declared {
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Replaces the engine: records every Kubernetes object and creates nothing. */
export class RenderMonitor implements pulumi.runtime.Mocks {
  readonly declared: Declared[] = [];
  private failure: unknown;

  /** Connects this process's SDK to a new monitor with this configuration. */
  static async install(
    stack: string,
    values: Record<string, string>,
    secretKeys: string[],
  ): Promise<RenderMonitor> {
    const monitor = new RenderMonitor();
    await pulumi.runtime.setMocks(monitor, "mcp-fleet", stack, false);
    pulumi.runtime.setAllConfig(values, secretKeys);
    return monitor;
  }

  newResource(args: pulumi.runtime.MockResourceArgs): {
    id: string | undefined;
    state: Record<string, unknown>;
  } {
    const inputs = args.inputs as Record<string, unknown>;
    if (args.type.startsWith("mcp-fleet:")) return { id: undefined, state: inputs };
    if (!args.type.startsWith("kubernetes:")) {
      this.failure ??= new UserError(
        `${args.type.split(":").at(-1) ?? args.type} ${args.name} is no Kubernetes object and cannot be written as YAML.`,
        "Leave it out of this stack, or use pulumi up.",
      );
      return { id: args.name, state: inputs };
    }
    const named = withName(args.name, inputs);
    this.declared.push({ name: args.name, inputs: named });
    return { id: args.name, state: named };
  }

  call(args: pulumi.runtime.MockCallArgs): never {
    throw new UserError(
      `The program calls ${args.token}, which has no answer without a cluster.`,
      "Use pulumi up for this stack.",
    );
  }

  /**
   * Runs the program and waits until everything is registered.
   *
   * @throws UserError for what cannot be rendered, and any error of a resource
   */
  async run(program: () => Promise<unknown>): Promise<void> {
    // Otherwise the SDK does not report a failed registration.
    const note = (reason: unknown): void => void (this.failure ??= reason);
    process.on("unhandledRejection", note);
    try {
      await program();
      await pulumi.runtime.disconnect();
      await new Promise(setImmediate);
    } finally {
      process.off("unhandledRejection", note);
    }
    if (this.failure instanceof Error) throw this.failure;
    if (this.failure !== undefined) throw new Error(messageOf(this.failure));
  }
}

/** The engine generates a name where the program gives none; here a ConfigMap's name follows from its content. */
function withName(name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const metadata = inputs.metadata as Record<string, unknown> | undefined;
  if (metadata?.name !== undefined) return inputs;
  // A Secret's name must not depend on its content: with few possible values, they could be guessed from a hash.
  const chosen = inputs.kind === "ConfigMap" ? `${name}-${hashOf(inputs.data)}` : name;
  return { ...inputs, metadata: { ...metadata, name: chosen } };
}

function hashOf(data: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(data ?? {}))
    .digest("hex")
    .slice(0, 8);
}
