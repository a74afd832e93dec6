import { createHash } from "node:crypto";
import { hostname } from "node:os";

import type { UpdateLease, UpdateOutcome } from "@mcp-fleet/cluster";
import type { PulumiStack } from "@mcp-fleet/engine";
import { messageOf, UserError } from "@mcp-fleet/errors";

import type { CliContext } from "../context";
import { exitCodes } from "../exit-codes";

/** An update that a pod runs. */
interface PodUpdate {
  /** Runs it. Where a pod that is gone left the stack locked, it cancels that lock and runs it once more. */
  run<T>(update: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

/**
 * Takes the Lease of the stack for this pod; undefined where this process runs in none.
 *
 * @throws UserError with exit code 75 where another pod updates the stack, or the same update failed a moment ago
 */
export async function inPod(
  context: CliContext,
  stack: PulumiStack,
  now: boolean,
): Promise<PodUpdate | undefined> {
  if (process.env.KUBERNETES_SERVICE_HOST === undefined) return undefined;
  const { LaterError, ownPod, takeUpdateLease } = await import("@mcp-fleet/cluster");
  const { connectKube } = await import("@mcp-fleet/kube");
  const kube = await connectKube({}, { inPod: true });
  const pod = await ownPod(kube, { podName: process.env.POD_NAME, hostname: hostname() });
  const inputs = hashOf([(await stack.fileText()) ?? "", ...pod.images]);
  const request = { stack: await stack.fullName(), pod, inputs, now };
  const lease = await takeUpdateLease(kube, request).catch((error: unknown) => {
    throw error instanceof LaterError ? laterOf(error) : error;
  });
  return underLease(context, stack, lease);
}

/** @internal exported for its test */
export function underLease(
  context: Pick<CliContext, "note" | "signal">,
  stack: Pick<PulumiStack, "cancel">,
  lease: UpdateLease,
): PodUpdate {
  let outcome: UpdateOutcome = "stopped";
  const areGone = (hosts: readonly string[]): boolean =>
    hosts.length > 0 && hosts.every((host) => lease.gone.includes(host));
  return {
    async run(update) {
      const { LockedStackError } = await import("@mcp-fleet/engine");
      for (let canceled = false; ; canceled = true) {
        try {
          const done = await update();
          outcome = "done";
          return done;
        } catch (error) {
          if (!(error instanceof LockedStackError)) {
            outcome = context.signal.aborted ? "stopped" : "failed";
            throw error;
          }
          outcome = "locked";
          // A lock that is there again after it was canceled is by somebody else.
          if (canceled || !areGone(error.hosts)) throw laterOf(error);
          const where = error.hosts.join(" and ");
          context.note(`The stack is locked by ${where}, a pod that is gone: canceling`);
          await stack.cancel();
        }
      }
    },
    async release() {
      // A Lease that stays is no harm: once this pod has ended it counts as given back.
      await lease.release(outcome).catch((error: unknown) => context.note(messageOf(error)));
    },
  };
}

const laterOf = ({ problem, fix }: UserError): UserError =>
  new UserError(problem, fix, { exitCode: exitCodes.later });

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
