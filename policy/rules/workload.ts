import {
  accountProblems,
  apiRightsAnnotation,
  podTemplateOf,
  restrictedProblems,
  versionOf,
} from "../../components/core";
import { at, containersOf, isKind, isMcpServer } from "../object";
import type { ResourceRule } from "../resource";

/** Ends of variable names that hold credentials; a path to a credential's file is none. */
const credentialName =
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?|DSN|DATABASE_URL)$/i;
/** `user:password@` in a URL, unless the password is another variable's. */
const urlWithPassword = /:\/\/[^/\s:@]*:(?!\$\()[^/\s@]+@/;
const reference = /^\$\([A-Za-z_][A-Za-z0-9_]*\)$/;
const urlWithReference = /:\/\/[^/\s:@]*:\$\([A-Za-z_][A-Za-z0-9_]*\)@/;

function isCredential(name: string, value: string): boolean {
  if (urlWithPassword.test(value)) return true;
  if (value === "" || value.startsWith("/") || reference.test(value)) return false;
  if (urlWithReference.test(value)) return false;
  return credentialName.test(name);
}

/** A credential in `env` is readable by whoever may read the workload; one in a Secret is not. */
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

/** A tag that moves makes a rollback bring back another image than the one that ran. */
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

/** Readiness decides who gets traffic, liveness who is restarted, startup how long a slow one may take. */
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

/** The same check as the components' and the renderer's own, on what the engine is really handed. */
export const restricted: ResourceRule = {
  name: "pod-restricted",
  description:
    'Every pod runs under Pod Security "restricted", with a read-only root and an account of its own.',
  check: (resource) => {
    if (!resource.type.startsWith("kubernetes:")) return [];
    const found = podTemplateOf(resource.props);
    if (found === undefined) return [];
    const { at: where, template } = found;
    // The servers are third-party code: only one that the stack gives rights to, and programs of ours, may talk to the
    // API server.
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
 * The wait for a workload is the gate before the probe. A Service's wait proves less than the probe does, which
 * asks through that very Service.
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
