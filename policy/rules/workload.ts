import {
  accountProblems,
  apiRightsAnnotation,
  podTemplateOf,
  restrictedProblems,
  versionOf,
} from "../../components/core";
import { at, containersOf, isKind, isMcpServer } from "../object";
import type { ResourceRule } from "../resource";

/** Suffixes of variable names that hold credentials; the path of a credential's file is none. */
const credentialName =
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?|DSN|DATABASE_URL)$/i;
/** `user:password@` in a URL, unless the password is a reference to another variable. */
const urlWithPassword = /:\/\/[^/\s:@]*:(?!\$\()[^/\s@]+@/;
const reference = /^\$\([A-Za-z_][A-Za-z0-9_]*\)$/;
const urlWithReference = /:\/\/[^/\s:@]*:\$\([A-Za-z_][A-Za-z0-9_]*\)@/;

function isCredential(name: string, value: string): boolean {
  if (urlWithPassword.test(value)) return true;
  if (value === "" || value.startsWith("/") || reference.test(value)) return false;
  if (urlWithReference.test(value)) return false;
  return credentialName.test(name);
}

/** Anyone who may read the workload can read a credential in `env`, but not one in a Secret. */
export const noPlaintextSecret: ResourceRule = {
  name: "no-plaintext-secret",
  description: "No credential stands in a container's env; it comes from a Secret.",
  check: (resource) =>
    containersOf(resource).flatMap((container) =>
      (container.env ?? []).flatMap(({ name = "", value }) =>
        typeof value === "string" && isCredential(name, value)
          ? [
              `env ${name} of container ${container.name} is a credential in clear; set it in serverSecrets or studioSecrets.`,
            ]
          : [],
      ),
    ),
};

/** With a moving tag a rollback may start another image than the one that ran. */
export const pinnedImage: ResourceRule = {
  name: "pinned-image",
  description: "Every image has a fixed version: a tag other than latest, or a digest.",
  check: (resource) =>
    containersOf(resource).flatMap(({ name, image = "" }) =>
      versionOf(image) === undefined || /:latest$/.test(image)
        ? [`image ${image} of container ${name} has no fixed version; give it a tag or a digest.`]
        : [],
    ),
};

/** Readiness decides about traffic, liveness about restarts, and startup how long a slow process may take. */
export const probes: ResourceRule = {
  name: "mcp-server-probes",
  description: "Every MCP server has a startup, a readiness and a liveness probe.",
  check: (resource) => {
    if (!isMcpServer(resource)) return [];
    const needed = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
    return containersOf(resource, ["containers"]).flatMap((container) =>
      needed
        .filter((probe) => container[probe] === undefined)
        .map(
          (probe) =>
            `container ${container.name} has no ${probe}; the catalog and probes.<probe> set one.`,
        ),
    );
  },
};

export const requestsAndLimits: ResourceRule = {
  name: "mcp-server-resources",
  description: "Every MCP server says how much CPU and memory it needs and may take.",
  check: (resource) => {
    if (!isMcpServer(resource)) return [];
    return containersOf(resource).flatMap((container) =>
      (["requests", "limits"] as const).flatMap((which) =>
        (["cpu", "memory"] as const)
          .filter((unit) => at(container.resources, which, unit) === undefined)
          .map(
            (unit) =>
              `container ${container.name} has no ${which}.${unit}; set resources.${which}.${unit} of the server.`,
          ),
      ),
    );
  },
};

/** The same check as in components and renderer, on the engine's final input. */
export const restricted: ResourceRule = {
  name: "pod-restricted",
  description:
    'Every pod runs under Pod Security "restricted", with a read-only root and an account of its own.',
  check: (resource) => {
    if (!resource.type.startsWith("kubernetes:")) return [];
    const found = podTemplateOf(resource.props);
    if (found === undefined) return [];
    const { at: where, template } = found;
    // The servers are third-party code: only programs of ours, and servers with rights from the stack, may call
    // the API server.
    const given = at(template, "metadata", "annotations", apiRightsAnnotation) !== undefined;
    const problems = [
      ...restrictedProblems(template),
      ...accountProblems(template, given || !isMcpServer(resource)),
    ];
    return problems.map(
      ({ field, allowed }) =>
        `${where}${field} has to be ${allowed}; take the transform that set it away.`,
    );
  },
};

/**
 * Waiting for the workload is a precondition of the probe. Waiting for a Service proves less than the probe,
 * which uses that Service.
 */
export const noSkippedWait: ResourceRule = {
  name: "no-skipped-wait",
  description: "Nothing but a Service carries pulumi.com/skipAwait.",
  check: (resource) =>
    at(resource.props, "metadata", "annotations", "pulumi.com/skipAwait") === "true" &&
    !isKind(resource, "Service")
      ? ["the annotation pulumi.com/skipAwait takes the wait before the cutover away; remove it."]
      : [],
};
