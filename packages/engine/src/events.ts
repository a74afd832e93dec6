import { cleanText } from "@mcp-fleet/errors";
import type { EngineEvent } from "@pulumi/pulumi/automation";

import type { Change, Op } from "./types";

/** The engine's names of steps. Steps that only accompany another one are left out. */
const ops: Readonly<Record<string, Op>> = {
  create: "create",
  import: "create",
  same: "same",
  read: "same",
  update: "update",
  replace: "replace",
  delete: "delete",
};

const past: Readonly<Record<Op, string>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
  same: "unchanged",
};

/** A step of the engine, as its events and the preview's JSON name it. */
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly custom: boolean;
}

/** The change that a step makes to a resource of the program; undefined for other steps. */
export function changeOf({ op: name, urn, custom }: Step): Change | undefined {
  const op = ops[name];
  const type = typeIn(urn);
  if (op === undefined || !custom || type.startsWith("pulumi:")) return undefined;
  return { urn, type, op };
}

/** The type of the resource itself, without those of its parents. */
function typeIn(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

/** `Deployment llmctl-mcp-github` */
export function nameOf({ type, urn }: Pick<Change, "type" | "urn">): string {
  return `${type.split(":").at(-1) ?? ""} ${urn.split("::").at(-1) ?? ""}`;
}

/** How many resources each operation changes; unchanged ones are left out. */
export function countsOf(changes: readonly Change[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of changes) if (op !== "same") counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** Reads the events of an update as they come. */
export class EventReader {
  readonly changes: Change[] = [];
  /** Errors of program, providers and engine, in order. */
  readonly errors: string[] = [];
  private readonly started = new Map<string, number>();

  /** @param onLine receives a line for each step, and the messages of the program */
  constructor(private readonly onLine: (line: string) => void = () => undefined) {}

  readonly read = (event: EngineEvent): void => {
    const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent } = event;
    if (resourcePreEvent !== undefined) {
      // The events' own times are whole seconds.
      this.started.set(resourcePreEvent.metadata.urn, Date.now());
    }
    if (resOutputsEvent !== undefined) {
      const { metadata } = resOutputsEvent;
      const custom = (metadata.new ?? metadata.old)?.custom === true;
      this.finished(changeOf({ op: metadata.op, urn: metadata.urn, custom }));
    }
    if (resOpFailedEvent !== undefined) {
      const { urn } = resOpFailedEvent.metadata;
      this.onLine(`failed: ${nameOf({ urn, type: typeIn(urn) })}`);
    }
    if (diagnosticEvent !== undefined && diagnosticEvent.ephemeral !== true) {
      this.diagnostic(diagnosticEvent.severity, plain(diagnosticEvent.message));
    }
  };

  private finished(change: Change | undefined): void {
    if (change === undefined) return;
    this.changes.push(change);
    if (change.op === "same") return;
    const seconds = (Date.now() - (this.started.get(change.urn) ?? Date.now())) / 1000;
    const took = seconds < 1 ? "" : ` (${seconds.toFixed(0)} s)`;
    this.onLine(`${past[change.op]} ${nameOf(change)}${took}`);
  }

  private diagnostic(severity: string, message: string): void {
    if (message === "") return;
    if (severity === "error") this.errors.push(message);
    if (severity === "warning") this.onLine(`warning: ${message}`);
    if (severity === "info") for (const line of message.split("\n")) this.onLine(line);
  }
}

/** Text without the CLI's colour tags and without control characters. */
function plain(message: string): string {
  return cleanText(message.replace(/<\{%[^%]*%\}>/g, "")).trim();
}
