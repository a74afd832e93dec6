{{- define "mcp-agent.selector" -}}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/component: mcp-agent
{{- end }}

{{/* The tag of the image, or the first 12 digits of its digest. */}}
{{- define "mcp-agent.version" -}}
{{- $tag := splitList "@" .Values.image | first | regexFind ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$" | trimPrefix ":" -}}
{{- $digest := .Values.image | regexFind "@sha256:[0-9a-f]{12}" | trimPrefix "@sha256:" -}}
{{- regexReplaceAll "[^A-Za-z0-9]+$" (default $digest $tag) "" -}}
{{- end }}

{{- define "mcp-agent.labels" -}}
{{ include "mcp-agent.selector" . }}
app.kubernetes.io/part-of: {{ .Values.application }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with include "mcp-agent.version" . }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "mcp-agent.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "mcp-agent.labels" . | nindent 2 }}
{{- end }}

{{- define "mcp-agent.replicas" -}}
{{- if hasKey .Values "replicas" -}}
{{ .Values.replicas | int }}
{{- else if .Values.autoscaling -}}
{{ .Values.autoscaling.minReplicas | default 1 | int }}
{{- else -}}
1
{{- end -}}
{{- end }}

{{/* The pods of this mesh's agents. */}}
{{- define "mcp-agent.peers" -}}
app.kubernetes.io/component: mcp-agent
app.kubernetes.io/part-of: {{ .Values.application }}
{{- end }}

{{/* The variables but POD_IP, as JSON; the namespace of the host is Kubernetes'. */}}
{{- define "mcp-agent.env" -}}
{{- $host := eq .Values.advertise "pod" | ternary "$(POD_IP)" (printf "%s.%s" .Release.Name .Release.Namespace) -}}
{{- $env := dict
      "MCP_MESH_AGENT_NAME" (.Values.agentName | default .Release.Name)
      "MCP_MESH_REGISTRY_URL" (printf "http://%s.%s.svc.cluster.local:%d" .Values.registry.name .Release.Namespace (.Values.registry.port | int))
      "MCP_MESH_HTTP_ENABLED" "true"
      "MCP_MESH_HTTP_PORT" (.Values.port | int | toString)
      "MCP_MESH_HTTP_HOST" $host
      "HOST" "0.0.0.0"
      "HOME" "/tmp" -}}
{{ merge .Values.env $env | toJson }}
{{- end }}
