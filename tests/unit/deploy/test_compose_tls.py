"""docker-compose.tls.yml: the services start with its settings, and each has a certificate of its own."""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.plan import SERVICES
from shared.kafka_settings import connection_options
from tests.pki import mounted_folder
from tests.unit.deploy.test_containers import CHECKOUT, COMPOSE, DEPLOY, METRICS_PORT, known, settings_class

TEXT = (CHECKOUT / "docker-compose.tls.yml").read_text()
TLS: dict[str, Any] = yaml.safe_load(TEXT)["services"]
FOLDER = "/etc/hera/tls"
OURS = {name for name, definition in COMPOSE["services"].items() if definition["image"] == "hera-playbooks"}
A_SECRET = "0123456789abcdef0123456789abcdef"
SECRETS = {"ENCRYPTION_KEYS": f"v1:{b64encode(bytes(32)).decode()}"}


def environment(name: str) -> dict[str, str]:
    """What the container gets from both files, where the caller's environment has only secrets."""
    given = COMPOSE["services"][name]["environment"] | TLS[name]["environment"]
    return {variable: _expanded(value) for variable, value in given.items() if value is not None} | SECRETS


def _expanded(value: str) -> str:
    return re.sub(r"\$\{\w+(?::-([^}]*)|[^}]*)\}", lambda found: found[1] or A_SECRET, value)


def test_it_changes_every_container_that_talks_to_others_and_makes_no_new_ones() -> None:
    assert set(TLS) == OURS | {"kafka", "mongo", "prometheus"}
    assert set(TLS) <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", sorted(set(TLS) - {"prometheus"}))
def test_each_container_has_a_folder_of_its_own(name: str) -> None:
    (volume,) = TLS[name]["volumes"]
    assert re.fullmatch(rf"\$\{{TLS_FOLDER(:\?[^}}]+)?\}}/{name}:{FOLDER}:ro", volume)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_its_settings(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted_folder(tmp_path)
    for variable, value in environment(service).items():
        if variable in known(service):
            monkeypatch.setenv(variable, value.replace(FOLDER, str(tmp_path)))
    settings: Any = settings_class(service)()
    assert settings.server_context is not None
    assert settings.options()["tls"] is True
    assert connection_options(settings)["security_protocol"] == "SASL_SSL"


def test_prometheus_asks_as_before_but_over_tls() -> None:
    plain, tls = (
        yaml.safe_load((DEPLOY / "prometheus" / f"{name}.yml").read_text()) for name in ("prometheus", "prometheus.tls")
    )
    (job,) = tls["scrape_configs"]
    assert (job.pop("scheme"), job.pop("tls_config")) == ("https", {"ca_file": f"{FOLDER}/ca.crt"})
    assert tls == plain
    file, *rest = TLS["prometheus"]["command"]
    assert file == "--config.file=/etc/prometheus/prometheus.tls.yml"
    assert rest == COMPOSE["services"]["prometheus"]["command"][1:]
    assert TLS["prometheus"]["volumes"] == [f"${{TLS_FOLDER}}/prometheus/ca.crt:{FOLDER}/ca.crt:ro"]


def test_certificates_are_made_for_the_names_that_are_asked_for() -> None:
    """By the command of the docs; Prometheus and the services ask by the names of the containers."""
    page = (CHECKOUT / "docs" / "configuration.md").read_text()
    (made,) = re.findall(r"^for name in (.+); do$", page, re.MULTILINE)
    assert set(made.split()) == set(TLS)
    hosts = {f"{service}:{METRICS_PORT}" for service in SERVICES}
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.tls.yml").read_text())["scrape_configs"]
    assert {target for group in job["static_configs"] for target in group["targets"]} == hosts
