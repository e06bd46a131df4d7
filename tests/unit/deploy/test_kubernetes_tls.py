"""The component for TLS: what it makes of the manifests is valid, and the services start with its settings."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.plan import QUERIED, SERVICES
from shared.kafka_settings import connection_options
from shared.settings import ServiceSettings
from tests.kubernetes.manifests import TLS, Manifest, manifest, patched, pod_template
from tests.pki import mounted_folder
from tests.unit.deploy.test_containers import CHECKOUT, known, required, settings_class
from tests.unit.deploy.test_kubernetes import named, validate

RENDERED = patched(TLS)
FOLDER = "/etc/hera/tls"
KUBECTL = shutil.which("kubectl")


def rendered(kind: str, name: str) -> Manifest:
    (found,) = [one for one in RENDERED if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(kind: str, name: str) -> Manifest:
    template = pod_template(rendered(kind, name))
    assert template is not None
    return dict(template["spec"])


DEPLOYMENTS = [("Deployment", service.replace("_", "-")) for service in SERVICES]
PODS = [*DEPLOYMENTS, ("CronJob", "topics"), ("CronJob", "acls")]


@pytest.mark.parametrize("one", RENDERED, ids=named)
def test_each_manifest_is_valid_with_the_component(one: Manifest) -> None:
    validate(one)


@pytest.mark.parametrize(("kind", "name"), PODS)
def test_each_pod_has_a_certificate_of_its_own(kind: str, name: str) -> None:
    spec = pod(kind, name)
    (container,) = spec["containers"]
    assert {"name": "tls", "mountPath": FOLDER, "readOnly": True} in container["volumeMounts"]
    assert {"name": "tls", "secret": {"secretName": f"hera-tls-{name}"}} in spec["volumes"]


@pytest.mark.parametrize("service", SERVICES)
def test_kubelet_asks_over_tls_where_a_service_speaks_it(service: str) -> None:
    """The gateway's port is public and stays plain HTTP."""
    (container,) = pod("Deployment", service.replace("_", "-"))["containers"]
    schemes = {
        container[f"{probe}Probe"]["httpGet"].get("scheme", "HTTP") for probe in ("startup", "readiness", "liveness")
    }
    assert schemes == {"HTTP" if service == "gateway" else "HTTPS"}


def test_prometheus_asks_over_tls_for_a_name_that_leads_to_all_pods() -> None:
    (endpoint,) = rendered("ServiceMonitor", "hera")["spec"]["endpoints"]
    authority = endpoint["tlsConfig"]["ca"]["secret"]
    assert endpoint["scheme"] == "https"
    assert manifest("Service", endpoint["tlsConfig"]["serverName"])
    assert authority["name"] in {pod(kind, name)["volumes"][-1]["secret"]["secretName"] for kind, name in PODS}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_its_settings(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With real certificates in place of the mounted ones: whatever does not fit together would end its start."""
    settings = settings_with(tmp_path, service, monkeypatch)
    assert settings.server_context is not None
    assert settings.options()["tls"] is True
    assert connection_options(settings)["security_protocol"] == "SSL"
    for name in QUERIED:
        assert getattr(settings, name.lower(), "https://").startswith("https://")


def settings_with(folder: Path, service: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    mounted_folder(folder)
    for name in required(service) | {"JWT_SECRET"}:
        monkeypatch.setenv(name, "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("MONGODB_URI", "mongodb://mongo:27017/?replicaSet=rs0")
    config = rendered("ConfigMap", "hera")["data"]
    for name in known(service) & set(config):
        monkeypatch.setenv(name, config[name].replace(FOLDER, str(folder)))
    made: ServiceSettings = settings_class(service)()
    return made


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kustomize_makes_the_same_of_it() -> None:
    assert KUBECTL is not None
    overlay = CHECKOUT / "tests" / "kubernetes" / "tls"
    done = subprocess.run([KUBECTL, "kustomize", str(overlay)], capture_output=True, text=True, check=True, timeout=60)
    theirs = {named(one): one for one in yaml.safe_load_all(done.stdout)}
    for one in RENDERED:
        if one["kind"] == "Deployment":
            del one["spec"]["replicas"]  # the autoscalers'
        assert theirs[named(one)].get("spec") == one.get("spec")
        assert theirs[named(one)].get("data") == one.get("data")
