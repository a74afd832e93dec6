import { isUserError, type UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import type { McpServerArgs } from "../components/server";
import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Reads the versions of the Secrets that the External Secrets Operator makes. An update waits until one is there, and is told
 * why it is not; a preview looks once, and what it cannot see is not known.
 */
export function externalSecretVersions({
  kubernetes,
}: Pick<StackConfig, "kubernetes">): McpServerArgs["externalSecretVersion"] {
  // Where objects are only written as YAML, there is no cluster.
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
    // The program has come to its end by now, and of what is thrown then the SDK shows the stack where there is one.
    if (isUserError(answer)) throw Object.assign(answer, { stack: undefined });
    return answer.version;
  };
}

/** Not the same as a cluster that cannot be asked. */
function refused(error: unknown): UserError {
  if (isUserError(error)) return error;
  throw error;
}
