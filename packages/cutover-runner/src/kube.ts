import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type * as k8s from "@kubernetes/client-node";
import { messageOf, UserError } from "@mcp-fleet/errors";

import type { Credentials, KubeRef } from "./types";

/** Limit of one request to the Kubernetes API, in seconds. */
const requestSeconds = 20;

/** A cluster and the parts of its API that a run uses. */
export interface Kube {
  readonly config: k8s.KubeConfig;
  readonly core: k8s.CoreV1Api;
  readonly batch: k8s.BatchV1Api;
  readonly apps: k8s.AppsV1Api;
  /** The context's name, for messages. */
  readonly context: string;
  /** The API server's address, for messages. */
  readonly server: string;
}

/**
 * Opens the cluster that `ref.context` names in the given kubeconfig, else in KUBECONFIG, else in
 * ~/.kube/config, else the one this process runs in. Sends no request yet.
 * @throws {UserError} when there is no readable kubeconfig or no such context
 */
export async function connectKube(
  ref: KubeRef,
  credentials: Pick<Credentials, "kubeconfig">,
): Promise<Kube> {
  // Loading this library takes over half a second; a preview that needs no cluster must not pay for it.
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  load(config, credentials.kubeconfig);
  if (ref.context !== undefined) {
    if (config.getContextObject(ref.context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new UserError(
        `The kubeconfig has no context ${JSON.stringify(ref.context)}; it has ${known.length > 0 ? known.join(", ") : "none"}.`,
        "Set kubernetes:context to one of them, or give the right kubernetes:kubeconfig.",
      );
    }
    config.setCurrentContext(ref.context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new UserError(
      `The kubeconfig's context ${JSON.stringify(config.getCurrentContext())} names no cluster.`,
      "Set kubernetes:context to a context of the kubeconfig.",
    );
  }
  const configuration = client.createConfiguration({
    baseServer: new client.ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (context) => {
          context.setSignal(AbortSignal.timeout(requestSeconds * 1000));
          return Promise.resolve(context);
        },
        post: (context) => Promise.resolve(context),
      },
    ],
  });
  return {
    config,
    core: new client.CoreV1Api(configuration),
    batch: new client.BatchV1Api(configuration),
    apps: new client.AppsV1Api(configuration),
    context: config.getCurrentContext(),
    server: cluster.server,
  };
}

function load(config: k8s.KubeConfig, given: string | undefined): void {
  if (given !== undefined && given !== "") {
    // A path has neither a line break nor a brace; a kubeconfig is YAML or JSON.
    const content = /[\n{]/.test(given) ? given : readKubeconfig(expandHome(given));
    loadText(config, content);
    return;
  }
  const fromEnvironment = (process.env.KUBECONFIG ?? "") !== "";
  const inHome = join(homedir(), ".kube", "config");
  if (fromEnvironment) {
    try {
      config.loadFromDefault(); // merges the files of a list
    } catch (error) {
      throw unreadable("named by KUBECONFIG", error);
    }
  } else if (existsSync(inHome)) {
    loadText(config, readKubeconfig(inHome));
  } else if (process.env.KUBERNETES_SERVICE_HOST !== undefined) {
    config.loadFromCluster();
  } else {
    throw new UserError(
      "There is no kubeconfig: kubernetes:kubeconfig and KUBECONFIG are unset, and ~/.kube/config does not exist.",
      "Set kubernetes:kubeconfig to the path or the content of a kubeconfig.",
    );
  }
}

function loadText(config: k8s.KubeConfig, content: string): void {
  try {
    config.loadFromString(content);
  } catch {
    // The parser's message quotes the text, which holds keys and tokens.
    throw new UserError(
      "The kubeconfig is not valid YAML or JSON.",
      "Check kubernetes:kubeconfig.",
    );
  }
}

function readKubeconfig(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(which: string, error: unknown): UserError {
  return new UserError(
    `The kubeconfig ${which} cannot be read: ${messageOf(error)}.`,
    "Set kubernetes:kubeconfig to the path or the content of a kubeconfig.",
  );
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}
