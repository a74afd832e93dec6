import { UserError } from "@mcp-fleet/errors";

import {
  type Context,
  type Handler,
  InitFailure,
  type Outcome,
  type Registration,
} from "../handler";
import type { StoredResource } from "../state";
import { hasUnknown, type JsonObject, objectAt, revealObject, sameValue, stringAt } from "../wire";
import { waitUntilGone, waitUntilReady } from "./await";
import type { KubeClient } from "./client";
import { Clients } from "./clients";
import { ApiError, Unreachable } from "./errors";
import {
  contentChanged,
  desiredObject,
  type Identity,
  identityOf,
  idOf,
  isAutonamed,
  kindOf,
  newName,
  refuseSpecialTypes,
  sameObject,
  withName,
} from "./names";
import {
  content,
  defaultTimeout,
  encodeSecret,
  explain,
  NotThere,
  outputsOf,
  plannedOutputs,
  timeoutOf,
  unchanged,
} from "./objects";

const fieldManager = "mcp-fleet-lab";

/** `kubernetes:*`: server-side apply, then a wait until the object does its work. */
export class KubernetesHandler implements Handler {
  private readonly clients: Clients;

  constructor(private readonly context: Context) {
    this.clients = new Clients(context);
  }

  handles(type: string): boolean {
    return type.startsWith("kubernetes:");
  }

  async apply(resource: Registration, old: StoredResource | undefined): Promise<Outcome> {
    refuseSpecialTypes(resource.type);
    if (this.context.preview) return this.preview(resource, old);
    const client = this.clients.for(resource.provider);
    const wanted = await this.placed(client, resource, old);
    const before = old === undefined ? undefined : await this.look(client, old);
    if (old !== undefined && before !== undefined) {
      if (unchanged(resource, old, before)) return { op: "same", id: old.id, outputs: old.outputs };
      const kind = identityOf(wanted).kind;
      if (contentChanged(old, resource.inputs, kind)) {
        if (isAutonamed(old)) {
          const renamed = withName(wanted, newName(resource.name));
          return await this.write(client, resource, renamed, undefined, true);
        }
        if (before.immutable === true)
          await this.delete(client, identityOf(before), defaultTimeout);
      }
      if (!sameObject(identityOf(revealObject(old.outputs)), identityOf(wanted))) {
        return await this.write(client, resource, wanted, undefined, true);
      }
    }
    return await this.write(client, resource, wanted, before);
  }

  async remove(old: StoredResource): Promise<void> {
    const client = this.clients.for(old.provider);
    const identity = identityOf(revealObject(old.outputs));
    await this.delete(client, identity, old.deleteTimeout ?? defaultTimeout);
  }

  async read(resource: Registration, id: string): Promise<JsonObject> {
    const { apiVersion, kind } = kindOf(resource.type);
    const [name = "", namespace] = id.split("/").reverse();
    const client = this.clients.for(resource.provider);
    const found = await client.get(apiVersion, kind, namespace, name);
    if (found === undefined) {
      throw new UserError(
        `${kind} ${id}, which the program looks up, does not exist.`,
        "Make it, or correct its name in the program.",
      );
    }
    return outputsOf(found, {});
  }

  /** The object with its name and, for a namespaced kind, its namespace. */
  private async placed(
    client: KubeClient,
    resource: Registration,
    old: StoredResource | undefined,
  ): Promise<JsonObject> {
    const object = desiredObject(resource.name, resource.inputs, old);
    const { apiVersion, kind, namespace } = identityOf(object);
    try {
      if (namespace !== undefined || !(await client.isNamespaced(apiVersion, kind))) return object;
    } catch (error) {
      throw explain(error, identityOf(object));
    }
    return {
      ...object,
      metadata: { ...objectAt(object.metadata), namespace: client.namespace },
    };
  }

  /** The live object the state knows; undefined when it is gone, or another one has its name. */
  private async look(client: KubeClient, old: StoredResource): Promise<JsonObject | undefined> {
    const stored = revealObject(old.outputs);
    const { apiVersion, kind, namespace, name } = identityOf(stored);
    const live = await client.get(apiVersion, kind, namespace, name);
    const uid = stringAt(stored, "metadata", "uid");
    if (live === undefined || (uid !== undefined && stringAt(live, "metadata", "uid") !== uid)) {
      return undefined;
    }
    return stringAt(live, "metadata", "deletionTimestamp") === undefined ? live : undefined;
  }

  private async write(
    client: KubeClient,
    resource: Registration,
    wanted: JsonObject,
    before: JsonObject | undefined,
    replaced = false,
  ): Promise<Outcome> {
    const identity = identityOf(wanted);
    const applied = await this.patch(client, wanted, false);
    const op = replaced
      ? "update"
      : before === undefined
        ? "create"
        : sameValue(content(before), content(applied))
          ? "same"
          : "update";
    const outcome = (live: JsonObject): Outcome => ({
      op,
      id: idOf(identity),
      outputs: outputsOf(live, resource.inputs),
      replaced,
    });
    try {
      const live = await waitUntilReady(client, applied, {
        seconds: timeoutOf(resource, wanted, before === undefined),
        signal: this.context.signal,
      });
      return outcome(live);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      throw new InitFailure(outcome(applied), [failure.message], failure);
    }
  }

  private async patch(client: KubeClient, object: JsonObject, dryRun: boolean) {
    const identity = identityOf(object);
    const { apiVersion, kind, namespace, name } = identity;
    try {
      return await client.call("PATCH", await client.path(apiVersion, kind, namespace, name), {
        query: { fieldManager, force: "true", ...(dryRun ? { dryRun: "All" } : {}) },
        contentType: "application/apply-patch+yaml",
        body: encodeSecret(object),
      });
    } catch (error) {
      throw explain(error, identity);
    }
  }

  private async delete(client: KubeClient, identity: Identity, seconds: number): Promise<void> {
    const { apiVersion, kind, namespace, name } = identity;
    try {
      await client.call("DELETE", await client.path(apiVersion, kind, namespace, name), {
        query: { propagationPolicy: "Foreground" },
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      throw explain(error, identity);
    }
    await waitUntilGone(client, identity, { seconds, signal: this.context.signal });
  }

  /** Tells what `apply` would do; asks the server for its opinion where it can give one. */
  private async preview(resource: Registration, old: StoredResource | undefined): Promise<Outcome> {
    const client = this.clients.previewFor(resource.provider);
    let live: JsonObject | undefined;
    try {
      if (client !== undefined && old !== undefined) {
        live = await this.look(client, old);
        if (live !== undefined && unchanged(resource, old, live)) {
          return { op: "same", id: old.id, outputs: old.outputs };
        }
      }
      if (client !== undefined) await this.rehearse(client, resource, old);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.clients.unreachable(resource.provider, error);
    }
    const asked = client !== undefined && !this.clients.isUnreachable(resource.provider);
    if (old !== undefined && !asked && sameValue(old.inputs, resource.inputs)) {
      return { op: "same", id: old.id, outputs: old.outputs };
    }
    const { kind } = identityOf(revealObject(resource.inputs));
    const kept = old !== undefined && (live !== undefined || !asked);
    const renamed =
      old !== undefined && isAutonamed(old) && contentChanged(old, resource.inputs, kind);
    if (kept && !renamed) {
      return { op: "update", id: old.id, outputs: { ...old.outputs, ...resource.inputs } };
    }
    return {
      op: kept ? "update" : "create",
      outputs: plannedOutputs(resource, client?.namespace),
    };
  }

  /** A dry run on the server, so that an object it would refuse fails the preview. */
  private async rehearse(
    client: KubeClient,
    resource: Registration,
    old: StoredResource | undefined,
  ): Promise<void> {
    if (hasUnknown(resource.inputs)) return;
    try {
      const wanted = await this.placed(client, resource, old);
      const { namespace } = identityOf(wanted);
      const exists =
        namespace === undefined ||
        (await client.get("v1", "Namespace", undefined, namespace)) !== undefined;
      const kind = identityOf(wanted).kind;
      const replaced = old !== undefined && contentChanged(old, resource.inputs, kind);
      if (exists && !replaced) await this.patch(client, wanted, true);
    } catch (error) {
      // Its kind, or what it needs, may be made by the same run.
      if (error instanceof NotThere) return;
      throw error;
    }
  }
}
