import { createHash } from "node:crypto";
import { hostname } from "node:os";

import type { PulumiStack } from "@mcp-fleet/engine";
import { messageOf, UserError } from "@mcp-fleet/errors";

import type { CliContext } from "../context";
import { exitCodes } from "../exit-codes";

/** An update that a pod runs. */
interface PodUpdate {
  /** Runs it; where a pod that is gone left the stack locked, lets go of that lock and runs it then. */
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
  const { LaterError, ownImages, takeUpdateLease } = await import("@mcp-fleet/cluster");
  const { LockedStackError } = await import("@mcp-fleet/engine");
  const { connectKube } = await import("@mcp-fleet/kube");
  const kube = await connectKube({}, { inPod: true });
  const [name, pod] = [await stack.name(), hostname()];
  const inputs = hashOf([(await stack.fileText()) ?? "", ...(await ownImages(kube, pod))]);
  const lease = await takeUpdateLease(kube, { stack: name, pod, inputs, now }).catch(
    (error: unknown) => {
      throw error instanceof LaterError ? laterOf(error) : error;
    },
  );
  let failed = false;
  const run = async <T>(update: () => Promise<T>): Promise<T> => {
    try {
      return await update();
    } catch (error) {
      if (!(error instanceof LockedStackError)) {
        failed = !context.signal.aborted;
        throw error;
      }
      const { hosts } = error;
      const abandoned = hosts.length > 0 && hosts.every((host) => lease.gone.includes(host));
      if (!abandoned) throw laterOf(error);
      context.note(`The stack is locked by ${hosts.join(" and ")}, a pod that is gone: canceling`);
      await stack.cancel();
      return run(update);
    }
  };
  return {
    run,
    async release() {
      // A Lease that stays is no harm: once this pod has ended it counts as given back.
      await lease.release(failed).catch((error: unknown) => context.note(messageOf(error)));
    },
  };
}

const laterOf = ({ problem, fix }: UserError): UserError =>
  new UserError(problem, fix, { exitCode: exitCodes.later });

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
