import type * as k8s from "@kubernetes/client-node";

import type { Autoscaler } from "./autoscaler";
import type { McpPort } from "./mcp-port";
import type { Workload } from "./workload";

/** A Service that leads to a server's pods, and what it carries. */
export interface LeadingService {
  readonly service: k8s.V1Service;
  /** Not there where none of its ports carries MCP. */
  readonly mcp?: McpPort;
  /** Not there for an annotation that is no path. */
  readonly path?: string;
  /** Why it is not the way to the server; a predicate that reads on after "Service x". */
  readonly problem?: string;
}

/** What surrounds a server in its namespace. */
export interface Surroundings {
  readonly services: readonly k8s.V1Service[];
  readonly autoscaler?: Autoscaler;
  /** The servers that a Service leads to, this one or not. */
  readonly behind: (service: k8s.V1Service) => readonly Workload[];
}
