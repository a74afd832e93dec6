import { existsSync, readFileSync } from "node:fs";

import type { Change, Op, RegisteredResource } from "../runner/types";
import { type JsonObject, withoutUnknowns } from "../runner/wire";

interface StepMetadata {
  op: string;
  urn: string;
  type: string;
  old?: { custom?: boolean } | null;
  new?: { custom?: boolean; inputs?: JsonObject } | null;
}

interface EngineEvent {
  resourcePreEvent?: { metadata: StepMetadata };
  resOutputsEvent?: { metadata: StepMetadata };
  diagnosticEvent?: { severity: string; message: string };
}

/** The CLI's names of steps; those that only accompany another one are left out. */
const ops: Readonly<Record<string, Op>> = {
  create: "create",
  import: "create",
  same: "same",
  read: "same",
  update: "update",
  replace: "update",
  delete: "delete",
};

/** What the CLI wrote with `--event-log`: one JSON object in each line. */
export function readEventLog(file: string): EngineEvent[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line) => {
    try {
      return line.trim() === "" ? [] : [JSON.parse(line) as EngineEvent];
    } catch {
      // The last line of a run that was killed.
      return [];
    }
  });
}

/** What was done, or in a preview would be; components and providers are not listed. */
export function changesOf(events: readonly EngineEvent[], preview: boolean): Change[] {
  return events.flatMap((event) => {
    const step = (preview ? event.resourcePreEvent : event.resOutputsEvent)?.metadata;
    const op = ops[step?.op ?? ""];
    if (step === undefined || op === undefined || step.type.startsWith("pulumi:")) return [];
    if ((step.new ?? step.old)?.custom !== true) return [];
    return [{ urn: step.urn, type: step.type, op }];
  });
}

/** The inputs of the dynamic resources. The CLI hides secrets here: they read `[secret]`. */
export function registeredOf(events: readonly EngineEvent[]): RegisteredResource[] {
  return events.flatMap((event) => {
    const step = event.resourcePreEvent?.metadata;
    if (step?.new?.inputs === undefined) return [];
    if (!step.type.startsWith("pulumi-nodejs:dynamic")) return [];
    const all = { ...step.new.inputs };
    delete all.__provider;
    const inputs = withoutUnknowns(all);
    const unknown = Object.keys(all).filter((key) => !(key in inputs));
    const name = step.urn.split("::").at(-1) ?? "";
    return [{ urn: step.urn, type: step.type, name, inputs, unknown }];
  });
}

/** The errors the CLI reported, without its colour tags, the first one first. */
export function errorsOf(events: readonly EngineEvent[]): string[] {
  return events.flatMap((event) => {
    const diagnostic = event.diagnosticEvent;
    if (diagnostic?.severity !== "error") return [];
    return [diagnostic.message.replace(/<\{%[^%]*%\}>/g, "").trim()];
  });
}
