import { managedByLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { managedBy } from "../core";
import { meshApi } from "./names";

type Schema = Readonly<Record<string, unknown>>;

const text = (maxLength: number): Schema => ({ type: "string", minLength: 1, maxLength });

const capability: Schema = {
  type: "object",
  required: ["name"],
  properties: {
    name: text(128),
    version: text(64),
    tags: { type: "array", maxItems: 32, items: text(64) },
  },
};

const spec: Schema = {
  type: "object",
  required: ["agentName", "workload"],
  properties: {
    agentName: {
      ...text(63),
      description: "The name under which its processes register.",
      "x-kubernetes-validations": [
        {
          rule: "self == oldSelf",
          message: "agentName does not change: it is what the registry knows",
        },
      ],
    },
    workload: text(63),
    image: text(512),
    runtime: { type: "string", enum: ["python", "typescript", "java", "other"] },
    replicas: { type: "integer", format: "int32", minimum: 0, maximum: 1000 },
    capabilities: { type: "array", maxItems: 64, items: capability },
    dependencies: {
      type: "array",
      maxItems: 64,
      items: text(128),
      "x-kubernetes-list-type": "set",
    },
  },
  "x-kubernetes-validations": [
    {
      rule: "!has(self.capabilities) || self.capabilities.all(one, self.capabilities.exists_one(other, other.name == one.name))",
      message: "a capability is named once",
    },
  ],
};

const condition: Schema = {
  type: "object",
  required: ["type", "status", "reason", "message", "lastTransitionTime"],
  properties: {
    type: text(64),
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    reason: text(64),
    message: { type: "string", maxLength: 1024 },
    lastTransitionTime: { type: "string", format: "date-time" },
  },
};

const status: Schema = {
  type: "object",
  properties: {
    phase: { type: "string", enum: ["Pending", "Healthy", "Degraded", "Lost"] },
    healthy: { type: "integer", format: "int32", minimum: 0 },
    unresolvedDependencies: { type: "integer", format: "int32", minimum: 0 },
    lastSeen: { type: "string", format: "date-time" },
    observedGeneration: { type: "integer", format: "int64" },
    conditions: {
      type: "array",
      maxItems: 8,
      items: condition,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    },
  },
};

const columns = [
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Healthy", type: "integer", jsonPath: ".status.healthy" },
  { name: "Wanted", type: "integer", jsonPath: ".spec.replicas" },
  { name: "Unresolved", type: "integer", jsonPath: ".status.unresolvedDependencies" },
  { name: "Last seen", type: "date", jsonPath: ".status.lastSeen", priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const { group, version } = meshApi;

/** The definition of MCPAgent objects for the API server. */
export const agentDefinitionObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `mcpagents.${group}`,
    labels: { [managedByLabel]: managedBy },
  },
  spec: {
    group,
    scope: "Namespaced",
    names: {
      kind: "MCPAgent",
      listKind: "MCPAgentList",
      plural: "mcpagents",
      singular: "mcpagent",
      shortNames: ["mcpa"],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: { spec, status },
          },
        },
        subresources: { status: {} },
        additionalPrinterColumns: columns,
      },
    ],
  },
} as const;

/**
 * Defines MCPAgent objects: once in a cluster, whatever the number of meshes. It is declared as a custom
 * resource, because the SDK's own type renames `x-kubernetes-*`, which only the provider can reverse.
 */
export function agentDefinition(
  name: string,
  opts?: pulumi.CustomResourceOptions,
): k8s.apiextensions.CustomResource {
  return new k8s.apiextensions.CustomResource(name, agentDefinitionObject, opts);
}
