{{- define "penstock.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}{{ else if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "penstock.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "penstock.labels" -}}
{{ include "penstock.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Restricted Pod Security: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */}}
{{- define "penstock.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "penstock.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "penstock.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "penstock.forwards" -}}
{{- $native := .Values.config.anthropic_native | default dict -}}
{{- if eq (get $native "credentials" | default "inject") "forward" }}true{{ end -}}
{{- end }}

{{/* The configuration file: the values, and the names under which the service and its ingress are reached. */}}
{{- define "penstock.config" -}}
{{- $identity := .Values.config.identity | default dict -}}
{{- if and (empty .Values.config.clients) (empty $identity) (not (include "penstock.forwards" .)) -}}
{{- fail "config.clients is empty: every caller could use the API key of the gateway. Make one with `penstock keys create NAME` and put the entry that it prints into config.clients." -}}
{{- end -}}
{{- $store := get (.Values.config.state | default dict) "store" | default "" -}}
{{- $needsStore := or (hasKey $identity "sign_in") (not (empty .Values.config.budgets)) (not (empty .Values.config.admin)) -}}
{{- if or (hasPrefix "sqlite:" $store) (and $needsStore (empty $store)) -}}
{{- fail "config.state.store must be a postgres:// URL with config.identity.sign_in, config.budgets or config.admin, such as ${env:PENSTOCK_STATE} from a secret of extraEnvFrom: replicas share it, and pods have no disk for an SQLite file." -}}
{{- end -}}
{{- $name := include "penstock.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $hosts := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.cluster.local" $name $namespace) -}}
{{- if .Values.ingress.enabled -}}{{- range .Values.ingress.hosts -}}{{- $hosts = append $hosts .host -}}{{- end -}}{{- end -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config.server "allowed_hosts" (concat $hosts (.Values.config.server.allowed_hosts | default list) | uniq) -}}
{{- toPrettyJson $config -}}
{{- end }}

{{/* Time for the delay, for open streams to end, and a little to close. */}}
{{- define "penstock.gracePeriod" -}}
{{- add (ceil .Values.config.server.pre_stop_delay | int) (ceil .Values.config.server.drain_timeout | int) 5 -}}
{{- end }}
