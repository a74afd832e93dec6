import { cleanLine, isUserError, UserError } from "@mcp-fleet/errors";

/** The names of settings in messages. */
export interface SettingNames {
  readonly kubeconfig: string;
  readonly context: string;
  /** Where the rights are listed that the kubeconfig's identity needs. */
  readonly rights: string;
}

/** The settings of the Pulumi program. */
export const programSettings: SettingNames = {
  kubeconfig: "kubernetes:kubeconfig",
  context: "kubernetes:context",
  rights: "packages/cutover-runner/README.md lists what a run needs",
};

/** The parts of a cluster that a message names. */
interface Named {
  readonly context: string;
  readonly server: string;
  readonly names: SettingNames;
}

/** Something between us and the cluster or its database does not answer; trying later may help. */
export class UnreachableError extends UserError {}

/** The kubeconfig has no context of this name. That is a mistake even where the cluster is not needed. */
export class NoSuchContextError extends UserError {
  constructor(
    /** The contexts that it has. */
    readonly known: readonly string[],
    problem: string,
    fix: string,
  ) {
    super(problem, fix);
  }
}

/** The Kubernetes API answered and refused. */
export class ApiError extends UserError {
  constructor(
    /** The HTTP status of the answer, such as 403. */
    readonly status: number,
    problem: string,
    fix: string,
  ) {
    super(problem, fix);
  }
}

/** The HTTP status with which the Kubernetes API refused a request; undefined for every other error. */
export function statusOf(error: unknown): number | undefined {
  // The code of a request that took too long (a DOMException) is no status.
  if (error instanceof DOMException) return undefined;
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

/** The answer of a request; undefined where the Kubernetes API has no such object (404). Other errors stay. */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const status = error instanceof ApiError ? error.status : statusOf(error);
    if (status === 404) return undefined;
    throw error;
  }
}

/**
 * Runs a request and explains a failure to whoever configured the cluster.
 * @param doing what was tried, as `create Job llmctl/x`
 * @throws {UserError}
 */
export async function asking<T>(kube: Named, doing: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw kubeError(kube, doing, error);
  }
}

/** Explains why a request to the Kubernetes API failed: {@link ApiError}, else {@link UnreachableError}. */
export function kubeError(kube: Named, doing: string, error: unknown): UserError {
  if (isUserError(error)) return error;
  const { names } = kube;
  const status = statusOf(error);
  const cluster = `The cluster of context ${JSON.stringify(kube.context)}`;
  if (status === undefined) {
    return new UnreachableError(
      `The Kubernetes API at ${kube.server} cannot be reached to ${doing}: ${networkReason(error)}.`,
      `Check that the cluster runs, and ${names.kubeconfig} and ${names.context}.`,
    );
  }
  const reason = apiMessage(error);
  if (status === 401) {
    return new ApiError(
      status,
      `${cluster} does not accept the kubeconfig's credentials.`,
      `Sign in again, or give a fresh ${names.kubeconfig}.`,
    );
  }
  if (status === 403) {
    return new ApiError(
      status,
      `${cluster} does not allow us to ${doing}: ${reason}.`,
      `Grant this to the kubeconfig's identity; ${names.rights}.`,
    );
  }
  if (status === 404) {
    return new ApiError(
      status,
      `${cluster} cannot ${doing}: ${reason}.`,
      `Check the name, the namespace and ${names.context}.`,
    );
  }
  return new ApiError(
    status,
    `${cluster} could not ${doing} (HTTP ${status}): ${reason}.`,
    "Look at the cluster, then run again.",
  );
}

/** The `message` of the Status object that the API server answered, on one line. */
export function apiMessage(error: unknown): string {
  const body: unknown = error instanceof Error && "body" in error ? error.body : undefined;
  let status: unknown = body;
  if (typeof body === "string") {
    try {
      status = JSON.parse(body);
    } catch {
      return oneLine(body);
    }
  }
  if (typeof status !== "object" || status === null || !("message" in status))
    return "no reason given";
  return oneLine(String(status.message));
}

/** Text on one line without its last full stop, at most 400 characters. */
export function oneLine(text: string): string {
  const line = cleanLine(text).replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
}

function networkReason(error: unknown): string {
  if (error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name))
    return "no answer in time";
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at.cause === undefined) return oneLine(at.message);
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return "unknown reason";
}
