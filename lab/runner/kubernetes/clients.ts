import { UserError } from "@mcp-fleet/errors";

import type { Context } from "../handler";
import { type JsonObject, unknownValue } from "../wire";
import { KubeClient } from "./client";
import type { Unreachable } from "./errors";

/** One client for each provider of the program; the default one reads the `kubernetes:*` config keys. */
export class Clients {
  private readonly made = new Map<string, KubeClient>();
  private readonly silent = new Set<string>();

  constructor(private readonly context: Context) {}

  /** @throws UserError when no kubeconfig is known */
  for(provider: string | undefined): KubeClient {
    const key = provider ?? "";
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const inputs = this.inputs(provider);
    const text = (name: string): string | undefined => {
      const value = inputs[name];
      return typeof value === "string" && value !== "" && value !== unknownValue
        ? value
        : undefined;
    };
    const kubeconfig = text("kubeconfig") ?? this.context.kubeconfig;
    if (kubeconfig === undefined) {
      throw new UserError(
        "The program has Kubernetes resources and no kubeconfig is known.",
        "Set kubernetes:kubeconfig, or give the run a kubeconfig file.",
      );
    }
    const context = text("context");
    const namespace = text("namespace");
    const client = KubeClient.from(kubeconfig, {
      patient: !this.context.preview,
      ...(context === undefined ? {} : { context }),
      ...(namespace === undefined ? {} : { namespace }),
    });
    this.made.set(key, client);
    return client;
  }

  /** For a preview: undefined when the cluster is not there to be asked. */
  previewFor(provider: string | undefined): KubeClient | undefined {
    if (this.isUnreachable(provider)) return undefined;
    if (this.inputs(provider).kubeconfig === unknownValue) {
      this.context.warn("The cluster is not known before `up`, so nothing was compared with it.");
      return undefined;
    }
    return this.for(provider);
  }

  unreachable(provider: string | undefined, error: Unreachable): void {
    this.silent.add(provider ?? "");
    this.context.warn(`${error.problem} Nothing was compared with it.`);
  }

  isUnreachable(provider: string | undefined): boolean {
    return this.silent.has(provider ?? "");
  }

  private inputs(provider: string | undefined): JsonObject {
    const explicit = this.context.providerInputs(provider);
    if (explicit !== undefined) return explicit;
    const inputs: JsonObject = {};
    for (const name of ["kubeconfig", "context", "namespace"]) {
      const value = this.context.config[`kubernetes:${name}`]?.value;
      if (value !== undefined) inputs[name] = value;
    }
    return inputs;
  }
}
