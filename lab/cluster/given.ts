import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { KubeConfig, VersionApi } from "@kubernetes/client-node";
import { messageOf, timeLimit, UserError } from "@mcp-fleet/errors";

import { run } from "../exec";
import { loadIntoKind } from "./kind";
import type { Cluster } from "./types";

/** How long a named cluster may take to answer. */
const answerSeconds = 10;

/** How a user names a cluster of their own for the lab. */
interface Given {
  readonly file: string;
  readonly context?: string;
}

/**
 * The cluster the user named for the lab, if any. Only these name one, since the lab installs and
 * removes things in it and a cluster that merely happens to be configured must never be touched:
 *
 * - `LAB_KUBECONFIG`: a kubeconfig file, its current context or the one in `LAB_CONTEXT`;
 * - `LAB_CONTEXT` alone: that context of `KUBECONFIG`, or of `~/.kube/config`.
 *
 * `KUBECONFIG` alone names none.
 */
export function givenByUser(env: NodeJS.ProcessEnv = process.env): Given | undefined {
  const context = env.LAB_CONTEXT;
  const named = env.LAB_KUBECONFIG;
  if (named !== undefined && named !== "") {
    return context === undefined ? { file: named } : { file: named, context };
  }
  if (context === undefined || context === "") return undefined;
  return { file: env.KUBECONFIG ?? join(homedir(), ".kube", "config"), context };
}

/**
 * Uses a named cluster. It is neither started nor stopped by the lab.
 *
 * @throws UserError when the file or the context does not exist, or the cluster does not answer.
 */
export async function useGiven(given: Given): Promise<Cluster> {
  const setting = process.env.LAB_KUBECONFIG === undefined ? "LAB_CONTEXT" : "LAB_KUBECONFIG";
  if (!existsSync(given.file)) {
    throw new UserError(
      `${setting} leads to ${given.file}, which does not exist.`,
      "Name a kubeconfig file in LAB_KUBECONFIG, or unset it to have the lab make a cluster.",
    );
  }
  const config = new KubeConfig();
  try {
    config.loadFromFile(given.file);
  } catch (cause) {
    const problem = `${given.file} is not a kubeconfig file: ${messageOf(cause)}`;
    throw new UserError(problem, "Name another one in LAB_KUBECONFIG.", { cause });
  }
  const context = given.context ?? config.getCurrentContext();
  const names = config.getContexts().map((c) => c.name);
  if (!names.includes(context)) {
    throw new UserError(
      `There is no context "${context}" in ${given.file}; it has ${names.join(", ") || "none"}.`,
      "Name one of them in LAB_CONTEXT.",
    );
  }
  config.setCurrentContext(context);
  const server = new URL(config.getCurrentCluster()?.server ?? "");
  await requireAnswer(config, server);
  return {
    engine: "given",
    kubeconfig: given.file,
    context,
    nodeIp: process.env.LAB_NODE_IP ?? (await addressTowards(server)),
    importImage: (archive) => importInto(context, archive),
    hasImage: () => Promise.resolve(false),
  };
}

async function requireAnswer(config: KubeConfig, server: URL): Promise<void> {
  const limit = timeLimit(answerSeconds);
  const late = new Promise<never>((_resolve, reject) => {
    limit.addEventListener("abort", () =>
      reject(new Error(`no answer within ${answerSeconds} seconds`)),
    );
  });
  try {
    await Promise.race([config.makeApiClient(VersionApi).getCode(), late]);
  } catch (cause) {
    throw unreachable(server, cause);
  }
}

const unreachable = (server: URL, cause: unknown): UserError =>
  new UserError(
    `The API server ${server.host} of the named cluster does not answer: ${reason(cause)}`,
    "Check that cluster and the credentials in its kubeconfig, or name another in LAB_KUBECONFIG.",
    { cause },
  );

/** Node's fetch only says "fetch failed" itself; what failed is in its cause. */
const reason = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);

/** This machine's address on the way to the API server: where the cluster's pods most likely reach it. */
async function addressTowards(server: URL): Promise<string> {
  const socket = createSocket("udp4");
  try {
    // Connecting a UDP socket sends nothing; it only makes the kernel choose the way.
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(Number(server.port || 443), server.hostname, resolve);
    });
    return socket.address().address;
  } catch (cause) {
    throw unreachable(server, cause);
  } finally {
    socket.close();
  }
}

/** Images reach a cluster of the user's own by `kind load`, or by the command they name. */
async function importInto(context: string, archive: string): Promise<void> {
  const command = process.env.LAB_IMPORT_COMMAND;
  if (command !== undefined && command !== "") {
    await run("sh", ["-c", `${command} "$1"`, "sh", archive], { timeoutSeconds: 600 });
    return;
  }
  if (context.startsWith("kind-")) {
    await loadIntoKind(context.slice("kind-".length), archive);
    return;
  }
  throw new UserError(
    `The lab does not know how to bring its images into the cluster of context "${context}".`,
    'Name a command in LAB_IMPORT_COMMAND that takes an archive as its last argument, such as "minikube image load".',
  );
}
