{{- define "guanxi.pod" -}}
securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 40
volumes:
  - {name: home, emptyDir: {}}
  - {name: tmp, emptyDir: {}}
  - {name: erasures, persistentVolumeClaim: {claimName: {{ .root.Values.erasuresClaim }}}}
  - {name: tls, secret: {secretName: {{ .root.Values.tlsSecret }}}}
{{- end }}

{{- define "guanxi.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  - {name: home, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
  - {name: erasures, mountPath: /erasures}
  - {name: tls, mountPath: /etc/guanxi/tls, readOnly: true}
envFrom:
  - secretRef: {name: {{ .root.Values.secret }}}
env:
  {{- range $name, $value := .root.Values.settings }}
  {{- if $value }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- end }}
  - name: DATABASE_URL
    valueFrom: {secretKeyRef: {name: {{ .root.Values.secret }}, key: {{ upper .name }}_DATABASE_URL}}
{{- end }}
