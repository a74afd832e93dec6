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

{{/* Questions for names, to who answers them and nobody else. */}}
{{- define "mcp-agent.dns" -}}
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

{{/* What is no public address, and where clouds hand out a node's credentials: components/core/egress.ts says why. */}}
{{- define "mcp-agent.ranges" -}}
{{- dict
      "notPublic" (list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "168.63.129.16/32" "169.254.0.0/16" "172.16.0.0/12" "192.0.0.0/24" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4")
      "notPublic6" (list "::/128" "::1/128" "64:ff9b::/96" "64:ff9b:1::/48" "2002::/16" "fc00::/7" "fe80::/10" "fec0::/10" "ff00::/8")
      "metadata" (list "169.254.169.254/32" "169.254.170.2/32" "169.254.170.23/32" "169.254.169.252/32" "168.63.129.16/32" "100.100.100.200/32" "192.0.0.192/32")
      "metadata6" (list "fd00:ec2::254/128" "fd00:ec2::23/128" "fd20:ce::254/128") | toJson -}}
{{- end }}
