import { observerMetrics } from "@mcp-fleet/metrics";

import type { AlertGroup, AlertThresholds } from "./types";

/** The mesh registry, its agents, and certificates. */
export function meshAlerts(thresholds: AlertThresholds): AlertGroup {
  const minutes = `${thresholds.agentMinutes}m`;
  const agents = observerMetrics.agents.name;
  const up = observerMetrics.registryUp.name;
  return {
    name: "mcp-fleet-mesh",
    rules: [
      {
        alert: "McpMeshRegistryDown",
        expr: `${up} == 0`,
        for: "2m",
        labels: { severity: "critical" },
        annotations: {
          summary: "The mesh registry in {{ $labels.namespace }} does not answer",
          description: "Agents keep the providers they know and find no new ones.",
        },
      },
      {
        alert: "McpMeshRegistryWithoutAgents",
        expr: `sum by (namespace) (${agents}{status="healthy"}) == 0 and on (namespace) ${up} == 1`,
        for: minutes,
        labels: { severity: "critical" },
        annotations: {
          summary: "The mesh registry in {{ $labels.namespace }} knows no healthy agent",
          description:
            "It lost its data, or no agent reaches it: see MCP_MESH_REGISTRY_URL and the NetworkPolicies.",
        },
      },
      {
        alert: "McpMeshAgentLost",
        expr: `${observerMetrics.agentAvailable.name} == 0`,
        for: minutes,
        labels: { severity: "critical" },
        annotations: {
          summary: "Agent {{ $labels.agent }} is declared and not in the mesh",
          description:
            "kubectl get mcpagents shows since when; no process of it is healthy in the registry.",
        },
      },
      {
        alert: "McpMeshDependencyUnresolved",
        expr: `${observerMetrics.agentUnresolved.name} > 0`,
        for: minutes,
        labels: { severity: "warning" },
        annotations: {
          summary: "Agent {{ $labels.agent }} lacks {{ $value }} of its dependencies",
          description: "No healthy agent offers the capability.",
        },
      },
      {
        alert: "McpCertificateExpiring",
        expr: `${observerMetrics.certificateExpiry.name} - time() < ${thresholds.certificateDays * 86_400}`,
        for: "1h",
        labels: { severity: "warning" },
        annotations: {
          summary:
            "The certificate of {{ $labels.endpoint }} ends in {{ $value | humanizeDuration }}",
          description:
            "Clients that verify it stop working then, the cutover and its rollback included.",
        },
      },
      {
        alert: "McpCertificateUnreadable",
        expr: `${observerMetrics.certificateRead.name} == 0`,
        for: "15m",
        labels: { severity: "warning" },
        annotations: {
          summary: "{{ $labels.endpoint }} shows no certificate",
          description:
            "The endpoint is away or speaks no TLS, so its certificate's end is not known.",
        },
      },
    ],
  };
}
