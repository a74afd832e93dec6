import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type * as k8s from "@kubernetes/client-node";
import { messageOf, readTextFile, timeLimit, UserError } from "@mcp-fleet/errors";

import { NoSuchContextError, programSettings, type SettingNames } from "./errors";

/** Limit of one request to the Kubernetes API, in seconds. */
export const requestSeconds = 20;

/** Which cluster, and how messages call the settings that choose it. */
export interface ConnectOptions {
  /** Content of a kubeconfig, or the path of one. @default KUBECONFIG, else ~/.kube/config, else the pod's own account */
  readonly kubeconfig?: string;
  /** @default the settings of the Pulumi program, `kubernetes:kubeconfig` and `kubernetes:context` */
  readonly names?: SettingNames;
  /** Takes the cluster that this process runs in, whatever the kubeconfigs say. @default false */
  readonly inPod?: boolean;
}

/** A cluster and the parts of its API that are used here. */
export interface Kube {
  readonly config: k8s.KubeConfig;
  readonly core: k8s.CoreV1Api;
  readonly batch: k8s.BatchV1Api;
  readonly apps: k8s.AppsV1Api;
  /** The context's name, for messages. */
  readonly context: string;
  /** The API server's address, for messages. */
  readonly server: string;
  /** The context's namespace; in a pod the pod's own. @default "default" */
  readonly namespace: string;
  readonly names: SettingNames;
}

/**
 * Opens the cluster that `ref.context` names in the given kubeconfig, else in KUBECONFIG, else in
 * ~/.kube/config, else the one this process runs in. Sends no request yet.
 * @throws {UserError} when there is no readable kubeconfig or no such context
 */
export async function connectKube(
  ref: { readonly context?: string },
  { kubeconfig, names = programSettings, inPod = false }: ConnectOptions,
): Promise<Kube> {
  // Loading this library takes over half a second; a preview that needs no cluster must not pay for it.
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  if (inPod) config.loadFromCluster();
  else load(config, kubeconfig, names);
  if (ref.context !== undefined) {
    if (config.getContextObject(ref.context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new NoSuchContextError(
        known,
        `The kubeconfig has no context ${JSON.stringify(ref.context)}; it has ${known.length > 0 ? known.join(", ") : "none"}.`,
        `Set ${names.context} to one of them, or give the right ${names.kubeconfig}.`,
      );
    }
    config.setCurrentContext(ref.context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new UserError(
      `The kubeconfig's context ${JSON.stringify(config.getCurrentContext())} names no cluster.`,
      `Set ${names.context} to a context of the kubeconfig.`,
    );
  }
  const configuration = client.createConfiguration({
    baseServer: new client.ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (context) => {
          context.setSignal(timeLimit(requestSeconds));
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
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    names,
  };
}

function load(config: k8s.KubeConfig, given: string | undefined, names: SettingNames): void {
  if (given !== undefined && given !== "") {
    // A path has neither a line break nor a brace; a kubeconfig is YAML or JSON.
    const content = /[\n{]/.test(given) ? given : readKubeconfig(expandHome(given), names);
    loadText(config, content, names);
    return;
  }
  const fromEnvironment = (process.env.KUBECONFIG ?? "") !== "";
  const inHome = join(homedir(), ".kube", "config");
  if (fromEnvironment) {
    try {
      config.loadFromDefault(); // merges the files of a list
    } catch (error) {
      throw unreadable("named by KUBECONFIG", error, names);
    }
  } else if (existsSync(inHome)) {
    loadText(config, readKubeconfig(inHome, names), names);
  } else if (process.env.KUBERNETES_SERVICE_HOST !== undefined) {
    config.loadFromCluster();
  } else {
    throw new UserError(
      `There is no kubeconfig: ${names.kubeconfig} and KUBECONFIG are unset, and ~/.kube/config does not exist.`,
      `Set ${names.kubeconfig} to the path or the content of a kubeconfig.`,
    );
  }
}

function loadText(config: k8s.KubeConfig, content: string, names: SettingNames): void {
  try {
    config.loadFromString(content);
  } catch {
    // The parser's message quotes the text, which holds keys and tokens.
    throw new UserError("The kubeconfig is not valid YAML or JSON.", `Check ${names.kubeconfig}.`);
  }
}

function readKubeconfig(path: string, names: SettingNames): string {
  try {
    return readTextFile(path);
  } catch (error) {
    throw unreadable(path, error, names);
  }
}

function unreadable(which: string, error: unknown, names: SettingNames): UserError {
  return new UserError(
    `The kubeconfig ${which} cannot be read: ${messageOf(error)}.`,
    `Set ${names.kubeconfig} to the path or the content of a kubeconfig.`,
  );
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}
