{{- define "mcp-registry.selector" -}}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/component: mcp-registry
{{- end }}

{{/* The tag of the image, or the first 12 digits of its digest. */}}
{{- define "mcp-registry.version" -}}
{{- $tag := splitList "@" .Values.image | first | regexFind ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$" | trimPrefix ":" -}}
{{- $digest := .Values.image | regexFind "@sha256:[0-9a-f]{12}" | trimPrefix "@sha256:" -}}
{{- regexReplaceAll "[^A-Za-z0-9]+$" (default $digest $tag) "" -}}
{{- end }}

{{- define "mcp-registry.labels" -}}
{{ include "mcp-registry.selector" . }}
app.kubernetes.io/part-of: {{ .Values.application }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with include "mcp-registry.version" . }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "mcp-registry.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "mcp-registry.labels" . | nindent 2 }}
{{- end }}

{{/* What holds the data, as JSON: one of sqlite and postgresql. */}}
{{- define "mcp-registry.storage" -}}
{{ .Values.storage | default (dict "sqlite" (dict "size" "1Gi")) | toJson }}
{{- end }}

{{/* The settings, as JSON. */}}
{{- define "mcp-registry.settings" -}}
{{- $settings := dict
      "HOST" "0.0.0.0"
      "PORT" (.Values.port | int | toString)
      "MCP_MESH_LOG_LEVEL" .Values.logLevel
      "HEALTH_CHECK_INTERVAL" (.Values.healthCheckSeconds | int | toString)
      "DEFAULT_TIMEOUT_THRESHOLD" (.Values.agentTimeoutSeconds | int | toString)
      "MCP_MESH_DISTRIBUTED_TRACING_ENABLED" "false" -}}
{{- if hasKey (include "mcp-registry.storage" . | fromJson) "sqlite" -}}
{{- $_ := set $settings "DATABASE_URL" "/data/registry.db" -}}
{{- end -}}
{{ merge .Values.env $settings | toJson }}
{{- end }}

{{/* Other settings are another ConfigMap, and its name in the template rolls the pod. */}}
{{- define "mcp-registry.config" -}}
{{ .Release.Name }}-config-{{ include "mcp-registry.settings" . | sha256sum | trunc 8 }}
{{- end }}

{{/* Questions for names, to who answers them and nobody else. */}}
{{- define "mcp-registry.dns" -}}
{{- $dns := .Values.dns | default dict }}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ $dns.namespace | default "kube-system" }} }
      podSelector:
        matchLabels: {{ $dns.labels | default (dict "k8s-app" "kube-dns") | toJson }}
  ports:
    - { protocol: UDP, port: {{ $dns.port | default 53 | int }} }
    - { protocol: TCP, port: {{ $dns.port | default 53 | int }} }
{{- with $dns.addresses }}
- to:
    {{- range . }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end }}
{{- end }}
