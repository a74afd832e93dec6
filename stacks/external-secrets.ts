import { isUserError, type UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import type { McpServerArgs } from "../components/server";
import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Reads the versions of the Secrets that the External Secrets Operator creates. An update waits until one
 * exists, and reports why it does not; a preview looks once, and leaves a missing one unknown.
 */
export function externalSecretVersions({
  kubernetes,
}: Pick<StackConfig, "kubernetes">): McpServerArgs["externalSecretVersion"] {
  // In render mode there is no cluster.
  if (kubernetes.rendered) return undefined;
  return async ({ seconds, made, ...ref }) => {
    const { seeExternalSecret, waitForExternalSecret } = await import("@mcp-fleet/cluster");
    const dry = pulumi.runtime.isDryRun();
    const say = (sentence: string): void => void pulumi.log.warn(sentence, made);
    const seen = await seeCluster(kubernetes, async (kube) =>
      dry
        ? seeExternalSecret(kube, ref)
        : waitForExternalSecret(kube, ref, { seconds, say }).catch(refused),
    );
    const answer = "answer" in seen ? seen.answer : undefined;
    if (answer === undefined) return dry ? (pulumi.unknown as string) : undefined;
    // The program has ended by now, and of a later error the SDK would show the stack trace.
    if (isUserError(answer)) throw Object.assign(answer, { stack: undefined });
    return answer.version;
  };
}

/** Not the same as an unreachable cluster. */
function refused(error: unknown): UserError {
  if (isUserError(error)) return error;
  throw error;
}
