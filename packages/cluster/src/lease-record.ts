import { createHash } from "node:crypto";

import type { V1Lease } from "@kubernetes/client-node";
import { parseBoundedJson, UserError } from "@mcp-fleet/errors";

/** A pod that took the Lease, and may have left a lock of the engine. */
export interface Holder {
  readonly pod: string;
  readonly uid: string;
  /** ID of the container that took it. */
  readonly container?: string;
  /** Whether its update ended by itself. Nothing waits for it any more. */
  readonly ended?: boolean;
}

/** An update that failed by itself, so that the next one has to wait. */
export interface FailedUpdate {
  readonly inputs: string;
  readonly times: number;
  readonly at: string;
}

/** What the Lease keeps beside its holder. */
export interface LeaseRecord {
  /** Pods that took it and may have left a lock, oldest first. */
  readonly holders: readonly Holder[];
  readonly failed?: FailedUpdate;
}

const annotation = "mcp-fleet.dev/update";
const mostHolders = 50;
/** A record of so many holders is 25 KiB at most. */
const bounds = { characters: 32_768, depth: 6, values: 2_000 };

/** Name of a stack's Lease. The hash keeps stacks apart whose names differ only in what a Lease's name may not have. */
export function leaseName(stack: string): string {
  const hash = createHash("sha256").update(stack).digest("hex").slice(0, 8);
  const plain = stack.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${`mcp-fleet-${plain}`.slice(0, 200).replace(/-+$/, "")}-${hash}`;
}

/** @throws UserError where it is not what {@link withRecord} writes */
export function recordIn({ metadata }: V1Lease): LeaseRecord {
  const text = metadata?.annotations?.[annotation];
  if (text === undefined) return { holders: [] };
  const record = parsed(text);
  if (isRecord(record)) return record;
  const { namespace = "", name = "" } = metadata ?? {};
  throw new UserError(
    `The annotation ${annotation} of the Lease ${namespace}/${name} is not what mcp-fleet writes.`,
    `Make sure that no update runs, then: kubectl delete lease -n ${namespace} ${name}; where the stack stays locked, also: pulumi cancel --yes`,
  );
}

/** @param holder the pod that holds it from now on, if any */
export function withRecord(
  lease: V1Lease,
  holder: string | undefined,
  record: LeaseRecord,
): V1Lease {
  const kept = JSON.stringify({ ...record, holders: latest(record.holders) });
  const annotations = { ...lease.metadata?.annotations, [annotation]: kept };
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations },
    spec: holder === undefined ? {} : { holderIdentity: holder },
  };
}

/** The last holders. Those that ended by themselves are dropped first: they rarely leave a lock. */
function latest(holders: readonly Holder[]): readonly Holder[] {
  const excess = Math.max(0, holders.length - mostHolders);
  const dropped = holders.filter(({ ended }) => ended === true).slice(0, excess);
  return holders.filter((holder) => !dropped.includes(holder)).slice(-mostHolders);
}

function parsed(text: string): unknown {
  try {
    return parseBoundedJson(text, bounds);
  } catch {
    return undefined;
  }
}

/** A pod's name becomes part of a path and of a command for pasting. */
const dnsName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const uidText = /^[\w-]{1,64}$/;

function isRecord(value: unknown): value is LeaseRecord {
  if (!isObject(value)) return false;
  const { holders, failed } = value;
  return (
    Array.isArray(holders) && holders.every(isHolder) && (failed === undefined || isFailed(failed))
  );
}

function isHolder(value: unknown): value is Holder {
  if (!isObject(value)) return false;
  const { pod, uid, container, ended } = value;
  return (
    isText(pod, dnsName) &&
    isText(uid, uidText) &&
    (container === undefined || isText(container, /^\S{1,128}$/)) &&
    (ended === undefined || typeof ended === "boolean")
  );
}

function isFailed(value: unknown): value is FailedUpdate {
  if (!isObject(value)) return false;
  const { inputs, times, at } = value;
  return (
    isText(inputs, /^\w{1,64}$/) &&
    Number.isInteger(times) &&
    (times as number) > 0 &&
    isText(at, /^[\w:.+-]{1,40}$/)
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isText = (value: unknown, pattern: RegExp): value is string =>
  typeof value === "string" && pattern.test(value);
