{{- define "guanxi.pod" -}}
securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 40
volumes:
  - {name: home, emptyDir: {}}
  - {name: tmp, emptyDir: {}}
  - {name: erasures, persistentVolumeClaim: {claimName: {{ .root.Values.erasuresClaim }}}}
  - {name: tls, secret: {secretName: {{ .root.Values.caSecret }}}}
{{- end }}

{{- define "guanxi.container" -}}
image: "{{ .root.Values.image.repository }}-{{ .name }}:{{ .root.Values.image.tag }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  - {name: home, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
  - {name: erasures, mountPath: /erasures}
  - {name: tls, mountPath: /etc/guanxi/tls, readOnly: true}
# The service's own addresses and credentials; of the common secret no more than the keys that are named here.
envFrom:
  - secretRef: {name: {{ .root.Values.secret }}-{{ .name }}}
env:
  {{- range $key := list "GUANXI_MASTER_KEYS" "GUANXI_BLIND_INDEX_KEYS" "GUANXI_HTTP_SECRETS" "GUANXI_AUDIT_KEY" }}
  - name: {{ $key }}
    valueFrom: {secretKeyRef: {name: {{ $.root.Values.secret }}, key: {{ $key }}}}
  {{- end }}
  {{- range $name, $value := .root.Values.settings }}
  {{- if $value }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- end }}
{{- end }}
