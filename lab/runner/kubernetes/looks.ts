import { setTimeout as sleep } from "node:timers/promises";

import { type JsonObject, stringAt } from "../wire";
import type { KubeClient } from "./client";
import type { Identity } from "./names";

/** Milliseconds between two looks at the same objects. */
const shortestPause = 100;
/** A look that takes longer is followed by a pause of so many times its length. */
const pausesPerLook = 10;

/** One question that waits for a moment, and then is asked once for all who came meanwhile. */
class SharedQuestion<T> {
  private next: Promise<T> | undefined;
  private took = 0;

  constructor(private readonly ask: () => Promise<T>) {}

  answer(): Promise<T> {
    return (this.next ??= this.soon());
  }

  private async soon(): Promise<T> {
    await sleep(Math.max(shortestPause, this.took * pausesPerLook));
    // Whoever comes from here on may have changed what this answer does not see.
    this.next = undefined;
    const began = performance.now();
    try {
      return await this.ask();
    } finally {
      this.took = performance.now() - began;
    }
  }
}

interface Group {
  readonly names: Set<string>;
  readonly question: SharedQuestion<ReadonlyMap<string, JsonObject>>;
}

/**
 * What waits ask the API server, together: a thousand waits for Deployments of a namespace cost one LIST a turn, and
 * turns come less often where the answer is long.
 */
export class Looks {
  private readonly groups = new Map<string, Group>();
  private readonly lists = new Map<string, SharedQuestion<readonly JsonObject[]>>();

  constructor(private readonly client: KubeClient) {}

  /** The object as it is after this call; undefined when it is gone. */
  async live(identity: Identity): Promise<JsonObject | undefined> {
    const { apiVersion, kind, namespace, name } = identity;
    const key = [apiVersion, kind, namespace].join(" ");
    const group = this.groups.get(key) ?? this.group(apiVersion, kind, namespace);
    this.groups.set(key, group);
    group.names.add(name);
    return (await group.question.answer()).get(name);
  }

  /** All objects of a kind in a namespace, as they are after this call. */
  async all(apiVersion: string, kind: string, namespace: string): Promise<readonly JsonObject[]> {
    const key = [apiVersion, kind, namespace].join(" ");
    const question =
      this.lists.get(key) ??
      new SharedQuestion(() => this.client.list(apiVersion, kind, namespace));
    this.lists.set(key, question);
    return await question.answer();
  }

  private group(apiVersion: string, kind: string, namespace: string | undefined): Group {
    const names = new Set<string>();
    const question = new SharedQuestion(async () => {
      const [first = "", ...others] = names;
      names.clear();
      const found =
        others.length === 0
          ? [await this.client.get(apiVersion, kind, namespace, first)]
          : await this.client.list(apiVersion, kind, namespace);
      return new Map(
        found
          .filter((object) => object !== undefined)
          .map((object) => [stringAt(object, "metadata", "name") ?? "", object] as const),
      );
    });
    return { names, question };
  }
}
