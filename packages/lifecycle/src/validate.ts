import { InvalidError } from "./errors";

/** The most replicas a server may be given: a typing mistake must not fill the cluster. Source: seed 004. */
export const maxReplicas = 10;

/** The longest wait that can be asked for, in seconds: a timer of Node.js holds no more than 24.8 days. */
const maxTimeoutSeconds = 86_400;

/**
 * A workload's name: an RFC 1123 subdomain, as the API server itself takes it.
 * @throws {InvalidError}
 */
export function checkName(name: string): string {
  const label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
  if (name.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(name)) return name;
  const lower = name.toLowerCase();
  const hint =
    lower !== name && new RegExp(`^${label}$`).test(lower)
      ? `Did you mean ${JSON.stringify(lower)}?`
      : "Use lower-case letters, digits and hyphens, with a letter or a digit at both ends; `mcp-fleet list` shows the names.";
  throw new InvalidError(`${JSON.stringify(name)} is not the name of a server.`, hint);
}

/** @throws {InvalidError} for anything but a whole number from 0 to {@link maxReplicas} */
export function checkReplicas(replicas: number): number {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= maxReplicas) return replicas;
  throw new InvalidError(
    `${replicas} is not a number of replicas.`,
    `Give a whole number from 0 to ${maxReplicas}.`,
  );
}

/** @throws {InvalidError} for anything but a positive number of seconds, at most a day */
export function checkTimeout(seconds: number): number {
  if (seconds > 0 && seconds <= maxTimeoutSeconds) return seconds;
  throw new InvalidError(
    `${seconds} is not a time to wait.`,
    `Give a number of seconds above 0 and up to ${maxTimeoutSeconds}.`,
  );
}
