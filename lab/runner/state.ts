import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { UserError } from "@mcp-fleet/errors";

import { Vault, type VaultHeader } from "./secrets";
import { type Step, StepLog } from "./step-log";
import { isObject, type Json, type JsonObject } from "./wire";

/** One resource as it was last applied. Secrets are wrapped here, and ciphertext in the file. */
export interface StoredResource {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  id: string;
  inputs: JsonObject;
  outputs: JsonObject;
  /** URNs of what it needs: dependencies, parent and provider. */
  dependencies: string[];
  provider?: string;
  /** Grows with every step, so that a later one has the higher number. */
  order: number;
  /** Set when it exists but did not become ready: the next `up` tries again even if nothing changed. */
  initErrors?: string[];
  protect?: boolean;
  retainOnDelete?: boolean;
  /** Seconds. */
  deleteTimeout?: number;
}

interface StateFile {
  version: 1;
  stack: string;
  vault: VaultHeader;
  order: number;
  resources: Json;
  /** Objects that were replaced; removed at the end of a successful run. */
  superseded: Json;
  outputs: Json;
}

/** The resources of a stack, in memory and on disk: a file that is whole, and the steps since it was written. */
export class State {
  readonly vault: Vault;
  outputs: JsonObject = {};
  readonly resources = new Map<string, StoredResource>();
  superseded: StoredResource[] = [];
  private order = 0;
  private readonly log: StepLog;
  /** Whether the log goes on where it is: the file says how it is encrypted, and no line is cut off. */
  private logging = false;

  /**
   * Reads `file`, or starts empty when there is none.
   *
   * @throws UserError when it is not a state file, is another stack's, or the passphrase is wrong.
   */
  constructor(
    readonly file: string,
    private readonly stack: string,
    passphrase: string,
  ) {
    this.log = new StepLog(`${file}.steps`);
    if (!existsSync(file)) {
      this.vault = new Vault(passphrase);
      return;
    }
    const content = parse(file, stack);
    this.vault = new Vault(passphrase, content.vault);
    this.order = content.order;
    const outputs = this.vault.open(content.outputs);
    if (isObject(outputs)) this.outputs = outputs;
    for (const resource of list(this.vault.open(content.resources))) {
      this.resources.set(resource.urn, resource);
    }
    this.superseded = list(this.vault.open(content.superseded));
    this.logging = !this.log.exists;
    for (const step of this.log.read()) this.repeat(step);
  }

  /** Records a step, unless everything is there as it was. */
  put(resource: Omit<StoredResource, "order">): void {
    const known = this.resources.get(resource.urn);
    if (known !== undefined && isDeepStrictEqual(known, { ...resource, order: known.order }))
      return;
    this.order += 1;
    const stored = { ...resource, order: this.order };
    this.resources.set(resource.urn, stored);
    this.note({ put: this.vault.seal(stored) });
  }

  remove(resource: StoredResource): void {
    this.superseded = this.superseded.filter((item) => item !== resource);
    const current = this.resources.get(resource.urn) === resource;
    if (current) this.resources.delete(resource.urn);
    this.note(current ? { removed: resource.urn } : {});
  }

  private note(step: Pick<Step, "put" | "removed">): void {
    if (!this.logging) return this.save();
    const superseded = this.vault.seal(this.superseded as unknown as Json);
    this.log.append({ ...step, order: this.order, superseded });
  }

  private repeat({ order, put, removed, superseded }: Step): void {
    this.order = order;
    this.superseded = list(this.vault.open(superseded));
    if (removed !== undefined) this.resources.delete(removed);
    if (put === undefined) return;
    const stored = this.vault.open(put) as unknown as StoredResource;
    this.resources.set(stored.urn, stored);
  }

  /** The file is replaced in one rename, so a process killed at any point leaves a whole one. */
  save(): void {
    const content: StateFile = {
      version: 1,
      stack: this.stack,
      vault: this.vault.header,
      order: this.order,
      resources: this.vault.seal([...this.resources.values()] as unknown as Json),
      superseded: this.vault.seal(this.superseded as unknown as Json),
      outputs: this.vault.seal(this.outputs),
    };
    writeWhole(this.file, content);
    this.log.clear();
    this.logging = true;
  }

  /** What nothing else in `resources` depends on first; ties go to what was made last. */
  deletionOrder(resources: readonly StoredResource[]): StoredResource[] {
    const waiting = [...resources].sort((a, b) => b.order - a.order);
    const ordered: StoredResource[] = [];
    while (waiting.length > 0) {
      const free = waiting.findIndex((item) =>
        waiting.every((other) => other === item || !other.dependencies.includes(item.urn)),
      );
      ordered.push(...waiting.splice(Math.max(free, 0), 1));
    }
    return ordered;
  }
}

/** Writes JSON that only its owner may read, in one rename. */
export function writeWhole(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(content, undefined, 1)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

function parse(file: string, stack: string): StateFile {
  let content: Partial<StateFile> | undefined;
  try {
    content = JSON.parse(readFileSync(file, "utf8")) as Partial<StateFile>;
  } catch {
    content = undefined;
  }
  if (content?.version !== 1 || content.vault === undefined) {
    throw new UserError(
      `${file} is not a state file of the lab runner.`,
      "Move it away, or name another state file.",
    );
  }
  if (content.stack !== stack) {
    throw new UserError(
      `${file} holds the state of stack "${content.stack ?? ""}", not of "${stack}".`,
      "Name another state file for this stack.",
    );
  }
  return content as StateFile;
}

function list(value: Json): StoredResource[] {
  return Array.isArray(value) ? (value as unknown as StoredResource[]) : [];
}
