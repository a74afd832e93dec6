import { messageOf, UserError } from "@mcp-fleet/errors";

import {
  type Context,
  type Handler,
  InitFailure,
  type Outcome,
  type Registration,
} from "./handler";
import { requireFromString } from "./sdk";
import type { StoredResource } from "./state";
import { type JsonObject, markSecrets, revealObject, sameValue } from "./wire";

const providerKey = "__provider";

/** The methods a dynamic provider may have, as the SDK's own host calls them. */
interface DynamicProvider {
  configure?(request: { config: DynamicConfig }): Promise<void>;
  check?(
    olds: JsonObject,
    news: JsonObject,
  ): Promise<{ inputs?: JsonObject; failures?: { property: string; reason: string }[] }>;
  diff?(
    id: string,
    olds: JsonObject,
    news: JsonObject,
  ): Promise<{ changes?: boolean; replaces?: string[] }>;
  create(inputs: JsonObject): Promise<{ id: string; outs?: JsonObject }>;
  update?(
    id: string,
    olds: JsonObject,
    news: JsonObject,
  ): Promise<{ outs?: JsonObject } | undefined>;
  delete?(id: string, props: JsonObject): Promise<void>;
}

interface DynamicConfig {
  get(key: string): string | undefined;
  require(key: string): string;
}

/** `pulumi-nodejs:dynamic*`: the provider code comes from the resource's own text, as with the Pulumi CLI. */
export class DynamicHandler implements Handler {
  private readonly providers = new Map<string, Promise<DynamicProvider>>();

  constructor(private readonly context: Context) {}

  handles(type: string): boolean {
    return type.startsWith("pulumi-nodejs:dynamic");
  }

  async apply(resource: Registration, old: StoredResource | undefined): Promise<Outcome> {
    const provider = await this.load(resource.inputs);
    const inputs = await this.check(provider, resource, old);
    const sealed = markSecrets(inputs, resource.inputs);
    if (old === undefined) {
      if (this.context.preview) return { op: "create", inputs: sealed, outputs: sealed };
      return this.finish(resource, sealed, "create", undefined, async () => {
        const created = await provider.create(structuredClone(inputs));
        if (typeof created.id !== "string" || created.id === "") {
          throw new Error("its create method returned no id");
        }
        return { id: created.id, outs: created.outs };
      });
    }
    if (!(await this.differs(provider, old, inputs))) {
      return { op: "same", id: old.id, inputs: sealed, outputs: old.outputs };
    }
    if (this.context.preview) {
      return { op: "update", id: old.id, inputs: sealed, outputs: sealed };
    }
    return this.finish(resource, sealed, "update", old.id, async () => {
      const olds = revealObject(old.outputs);
      const updated = await provider.update?.(old.id, olds, structuredClone(inputs));
      return { id: old.id, outs: updated?.outs };
    });
  }

  async remove(old: StoredResource): Promise<void> {
    const provider = await this.load(old.outputs);
    await provider.delete?.(old.id, revealObject(old.outputs));
  }

  private async check(
    provider: DynamicProvider,
    resource: Registration,
    old: StoredResource | undefined,
  ): Promise<JsonObject> {
    const news = revealObject(resource.inputs);
    const olds = old === undefined ? {} : revealObject(old.inputs);
    const result = await provider.check?.(olds, structuredClone(news));
    const failures = result?.failures ?? [];
    if (failures.length > 0) {
      throw new UserError(
        `${resource.name}: ${failures.map((item) => `${item.property}: ${item.reason}`).join("; ")}.`,
        "Correct the inputs of this resource.",
      );
    }
    return { ...(result?.inputs ?? news), [providerKey]: news[providerKey] ?? "" };
  }

  private async differs(
    provider: DynamicProvider,
    old: StoredResource,
    inputs: JsonObject,
  ): Promise<boolean> {
    if (old.initErrors !== undefined) return true;
    const answer = await provider.diff?.(
      old.id,
      revealObject(old.outputs),
      structuredClone(inputs),
    );
    if ((answer?.replaces ?? []).length > 0) {
      throw new UserError(
        `${old.name} asks to be replaced because of ${answer?.replaces?.join(", ") ?? ""}, and the lab runner does not replace.`,
        "Use the Pulumi CLI for this change, or remove the resource first and add it again.",
      );
    }
    return answer?.changes ?? !sameValue(old.inputs, inputs);
  }

  /** Runs a create or update and keeps the provider's text with what it returned. */
  private async finish(
    resource: Registration,
    inputs: JsonObject,
    op: "create" | "update",
    oldId: string | undefined,
    work: () => Promise<{ id: string; outs: JsonObject | undefined }>,
  ): Promise<Outcome> {
    const outcome = (id: string, outs: JsonObject | undefined): Outcome => ({
      op,
      id,
      inputs,
      outputs: markSecrets(
        { ...plain(outs), [providerKey]: inputs[providerKey] ?? "" },
        inputs,
        resource.secretOutputs,
      ),
    });
    try {
      const { id, outs } = await work();
      return outcome(id, outs);
    } catch (error) {
      const partial = error as { id?: unknown; properties?: JsonObject; reasons?: string[] };
      if (typeof partial.id !== "string" || partial.id === "") throw error;
      throw new InitFailure(
        outcome(oldId ?? partial.id, partial.properties),
        partial.reasons ?? [messageOf(error)],
        error instanceof Error ? error : new Error(messageOf(error)),
      );
    }
  }

  /** One provider for each text, configured once, as in the SDK's host. */
  private load(holder: JsonObject): Promise<DynamicProvider> {
    const text = revealObject(holder)[providerKey];
    if (typeof text !== "string") throw new Error("a dynamic resource without its provider's code");
    const known = this.providers.get(text);
    if (known !== undefined) return known;
    const loading = (async () => {
      const provider = requireFromString(text).handler() as DynamicProvider;
      await provider.configure?.({ config: this.config() });
      return provider;
    })();
    this.providers.set(text, loading);
    return loading;
  }

  private config(): DynamicConfig {
    const { config, project } = this.context;
    const get = (key: string): string | undefined =>
      config[key.includes(":") ? key : `${project}:${key}`]?.value;
    return {
      get,
      require(key) {
        const value = get(key);
        if (value === undefined) throw new Error(`Missing required configuration key: ${key}`);
        return value;
      },
    };
  }
}

/** What would arrive over the wire: undefined values and functions do not. */
function plain(outs: JsonObject | undefined): JsonObject {
  return outs === undefined ? {} : (JSON.parse(JSON.stringify(outs)) as JsonObject);
}
