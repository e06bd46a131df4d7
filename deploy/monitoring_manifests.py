"""Alerts and dashboard as Kubernetes takes them, made of the files that Docker Compose mounts."""

from pathlib import Path

_DEPLOY = Path(__file__).parent
_RULE = """# Made of deploy/prometheus/alerts.yml by `make schemas`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: hera
  namespace: hera
  labels: {app.kubernetes.io/part-of: hera}
spec:
"""
_DASHBOARD = """# Made of deploy/grafana/dashboards/hera.json by `make schemas`; Grafana's sidecar finds it by label.
apiVersion: v1
kind: ConfigMap
metadata:
  name: hera-dashboard
  namespace: hera
  labels: {app.kubernetes.io/part-of: hera, grafana_dashboard: "1"}
data:
  hera.json: |
"""


def prometheus_rule() -> str:
    return _RULE + _indented((_DEPLOY / "prometheus" / "alerts.yml").read_text(), 2)


def dashboard_config_map() -> str:
    return _DASHBOARD + _indented((_DEPLOY / "grafana" / "dashboards" / "hera.json").read_text(), 4)


def _indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}" if line.strip() else line for line in text.splitlines(keepends=True))
