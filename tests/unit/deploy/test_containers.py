"""Compose, Prometheus, Grafana and Kubernetes know all seven services and give each the settings that it needs."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from contracts.events import RUN_EVENTS
from deploy import mongodb_users
from deploy.local.kafka.jars import VERSION
from deploy.local.plan import QUERIED, SERVICES
from shared.settings import ServiceSettings
from tests.kubernetes.manifests import manifest

DEMANDED = {
    "JWT_SECRET", "SERVICE_TOKEN", "ENCRYPTION_KEYS", "MONGODB_PASSWORD", "MONGODB_ROOT_PASSWORD",
    "KAFKA_PASSWORD", "KAFKA_ADMIN_PASSWORD", "KAFKA_OUTSIDE_PASSWORD",
}  # fmt: skip
USER = {"KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
"""Who a service is to Compose's own Kafka; tests/secured/test_compose.py tries it."""
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
NOTHING: tuple[Any, ...] = (None, {}, frozenset())
CHECKOUT = Path(__file__).parents[3]
DEPLOY = CHECKOUT / "deploy"
METRICS_PORT = 9464
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
PROFILE = dict(
    line.split("=", 1) for line in (DEPLOY / "kafka.env").read_text().splitlines() if line and not line.startswith("#")
)


def settings_class(service: str) -> type[ServiceSettings]:
    """The settings that the service's `__main__` loads."""
    module = importlib.import_module(f"services.{service}.settings")
    (found,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
    ]
    return found


def required(service: str) -> set[str]:
    return {name.upper() for name, field in settings_class(service).model_fields.items() if field.is_required()}


def known(service: str) -> set[str]:
    return {name.upper() for name in settings_class(service).model_fields}


def environment(service: str) -> dict[str, str | None]:
    """What Compose gives to a service; None where it is what the caller's environment has."""
    return dict(COMPOSE["services"][service]["environment"])


def operators(service: str) -> set[str]:
    """What has no default but "none" or "nothing": only who operates an installation can know it."""
    fields = settings_class(service).model_fields.items()
    return {name.upper() for name, field in fields if not field.is_required() and field.default in NOTHING}


def container(service: str) -> dict[str, Any]:
    deployment = manifest("Deployment", service.replace("_", "-"))
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_compose_runs_the_seven_services_from_one_image() -> None:
    assert {COMPOSE["services"][service]["image"] for service in SERVICES} == {"hera-playbooks"}
    assert {tuple(COMPOSE["services"][service]["command"]) for service in SERVICES} == {
        (f"services.{service}",) for service in SERVICES
    }


def test_the_image_is_built_once_and_by_what_everything_else_of_it_waits_for() -> None:
    ours = {name: s for name, s in COMPOSE["services"].items() if s["image"] == "hera-playbooks"}
    (builder,) = (name for name, s in ours.items() if "build" in s)
    assert all(builder in s["depends_on"] for name, s in ours.items() if name != builder)


@pytest.mark.parametrize("service", SERVICES)
def test_compose_gives_a_service_what_it_needs_and_waits_for_what_it_stands_on(service: str) -> None:
    definition = COMPOSE["services"][service]
    assert required(service) <= set(definition["environment"]) | set(PROFILE)
    assert set(definition["environment"]) - {"KAFKA_MIN_INSYNC_REPLICAS", COLLECTOR} <= known(service)
    assert definition["depends_on"] == {
        name: {"condition": "service_completed_successfully"} for name in ("replica-set", "acls")
    }
    assert definition["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_on_what_only_an_operator_can_know(service: str) -> None:
    given = environment(service)
    passed_on = {name for name, value in given.items() if value is None}
    demanded = {name for name, value in given.items() if str(value).startswith(f"${{{name}:?")}
    wired = {name for name, value in given.items() if str(value).startswith("http://")}
    of_the_image = set(re.findall(r"([A-Z_]+)=", (DEPLOY / "Dockerfile").read_text()))
    assert operators(service) | {COLLECTOR} <= passed_on | demanded | wired | of_the_image | USER


@pytest.mark.parametrize("service", SERVICES)
def test_an_empty_variable_counts_as_not_set(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_class(service)
    for name in required(service) | {"JWT_SECRET"}:
        monkeypatch.setenv(name, "0123456789abcdef0123456789abcdef")
    unset = settings()
    for name in known(service) - required(service) - {"JWT_SECRET"}:
        monkeypatch.setenv(name, "")
    assert settings() == unset


def test_compose_says_which_variable_it_lacks() -> None:
    demands = re.findall(r"\$\{(\w+):\?(.*)\}", (CHECKOUT / "docker-compose.yml").read_text())
    assert {name for name, _ in demands} == DEMANDED
    assert all(sentence.startswith(f"{name} must be set to ") for name, sentence in demands)


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_on_every_setting_that_it_does_not_fix(service: str) -> None:
    given = environment(service)
    passed_on = {name for name, value in given.items() if value is None or str(value).startswith(f"${{{name}:")}
    fixed = {name for name in given if name.endswith("_URL") and str(given[name]).startswith("http://")}
    fixed |= {"MONGODB_URI", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_REPLICATION_FACTOR", "HTTP_HOST", "HTTP_PORT"}
    fixed |= {"METRICS_PORT", *USER}
    assert passed_on | fixed >= known(service) | {COLLECTOR}
    assert not passed_on & fixed


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_kafkas_settings_on_with_the_defaults_of_the_profile(service: str) -> None:
    for name, value in PROFILE.items():
        said = environment(service)[name]
        assert said in (f"${{{name}:-{value}}}", "1"), name  # 1: of one broker


def test_every_image_is_pinned_to_a_release_and_every_container_has_a_bound_on_its_memory() -> None:
    for name, definition in COMPOSE["services"].items():
        image = definition["image"]
        assert image == "hera-playbooks" or re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", image), name
        assert re.fullmatch(r"\d+[mg]", definition["mem_limit"]), name


def test_compose_runs_the_release_of_kafka_that_everything_is_tested_on() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{VERSION}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_as_much_memory_as_on_kubernetes(service: str) -> None:
    limit = container(service)["resources"]["limits"]["memory"]
    assert COMPOSE["services"][service]["mem_limit"] == limit.removesuffix("i").lower()


def test_mongodb_demands_authentication_and_services_have_a_user_of_their_own() -> None:
    mongo, users = COMPOSE["services"]["mongo"], COMPOSE["services"]["replica-set"]
    assert "--keyFile" in mongo["entrypoint"][-1]
    assert users["network_mode"] == "service:mongo"  # for the exception that lets in who makes the first user
    assert {"MONGODB_ROOT_PASSWORD", "MONGODB_PASSWORD"} <= set(users["environment"])
    assert set(mongodb_users.SERVICES) == set(SERVICES)
    for service in SERVICES:
        address = str(environment(service)["MONGODB_URI"])
        assert address.startswith(f"mongodb://{mongodb_users.USER}:${{MONGODB_PASSWORD:?")
        assert "MONGODB_ROOT_PASSWORD" not in environment(service)


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md"])
def test_the_papers_name_what_compose_demands(page: str) -> None:
    shown = " ".join(re.findall(r"^export (.*)$", (CHECKOUT / page).read_text(), re.MULTILINE))
    assert set(re.findall(r"(\w+)=\S", shown)) >= DEMANDED


def test_compose_publishes_only_on_loopback_and_only_the_gateway_of_the_services() -> None:
    published = {name: s["ports"] for name, s in COMPOSE["services"].items() if "ports" in s}
    assert {name for name in published if name in SERVICES} == {"gateway"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_kafka_tells_who_is_outside_the_address_that_is_published_for_them() -> None:
    kafka = COMPOSE["services"]["kafka"]
    advertised = dict(part.split("://") for part in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert kafka["ports"] == [f"{advertised['OUTSIDE']}:{advertised['OUTSIDE'].split(':')[1]}"]
    (makefile,) = (line for line in (CHECKOUT / "Makefile").read_text().splitlines() if "--kafka " in line)
    assert makefile.endswith(f"--kafka {advertised['OUTSIDE']}")


def test_the_image_holds_what_compose_and_kubernetes_run() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    run = [c for s in COMPOSE["services"].values() if s["image"] == "hera-playbooks" for c in s["command"]]
    let_in = (CHECKOUT / ".dockerignore").read_text().splitlines()
    for module in _with_imports({name for name in run if name.startswith("deploy.")} | {"deploy.healthy"}):
        path = f"{module.replace('.', '/')}.py"
        assert path in dockerfile.split()
        assert f"!{path}" in let_in
        assert importlib.util.find_spec(module)


def _with_imports(modules: set[str]) -> set[str]:
    """Returns these modules of `deploy`, and those that they import, in turn."""
    found: set[str] = set()
    while modules:
        found |= modules
        sources = [(CHECKOUT / f"{module.replace('.', '/')}.py").read_text() for module in modules]
        modules = {
            name for source in sources for name in re.findall(r"^from (deploy\.\S+) import", source, re.M)
        } - found
    return found


def test_prometheus_asks_every_service() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    asked = {c["labels"]["service"]: c["targets"] for c in job["static_configs"]}
    assert asked == {service: [f"{service}:{METRICS_PORT}"] for service in SERVICES}


def test_the_image_shows_metrics_on_a_port_that_nothing_publishes() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert f"METRICS_PORT={METRICS_PORT}" in dockerfile
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert not any(str(METRICS_PORT) in port for port in published)


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_has_metrics_read_where_no_service_leads(service: str) -> None:
    name = service.replace("_", "-")
    assert {"name": "metrics", "containerPort": METRICS_PORT} in container(service)["ports"]
    assert [port["targetPort"] for port in manifest("Service", name)["spec"]["ports"]] == ["http"]


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_runs_a_service_with_what_it_needs(service: str) -> None:
    only = container(service)
    given = {e["name"] for e in only.get("env", [])} | set(manifest("ConfigMap", "hera")["data"])
    assert only["args"] == [f"services.{service}"]
    assert required(service) <= given
    assert {e["name"] for e in only.get("env", [])} <= known(service)
    for kind in ("Service", "PodDisruptionBudget"):
        assert manifest(kind, service.replace("_", "-"))


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_asks_for_health_and_runs_nothing_as_root(service: str) -> None:
    only = container(service)
    pod = manifest("Deployment", service.replace("_", "-"))["spec"]["template"]["spec"]
    paths = [only[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")]
    assert paths == ["/health/ready", "/health/ready", "/health/live"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert only["securityContext"]["allowPrivilegeEscalation"] is False


def test_kubernetes_names_the_neighbours_as_its_services_are_named() -> None:
    given = manifest("ConfigMap", "hera")["data"]
    for variable, service in QUERIED.items():
        assert given[variable] == f"http://{service.replace('_', '-')}:8000"


def test_kubernetes_keeps_the_profile_of_apache_kafka() -> None:
    assert PROFILE.items() <= manifest("ConfigMap", "hera")["data"].items()


def test_dashboard_and_alerts_ask_only_for_metrics_that_exist() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.main")
    exposed = {s.name for metric in REGISTRY.collect() for s in metric.samples} | {
        f"{metric.name}{suffix}" for metric in REGISTRY.collect() for suffix in ("", "_total", "_bucket", "_count")
    }
    text = (DEPLOY / "prometheus" / "alerts.yml").read_text() + " ".join(dashboard_expressions())
    asked = set(re.findall(r"\bhera_[a-z_]+", text))
    assert asked
    assert asked <= exposed


def dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in dashboard_panels() for target in panel["targets"]]


def dashboard_panels() -> list[dict[str, Any]]:
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "hera.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_dashboard_asks_only_for_run_events_that_exist() -> None:
    (*asked,) = re.findall(r'type=~?"([A-Za-z|]+)"', " ".join(dashboard_expressions()))
    assert asked
    assert {name for names in asked for name in names.split("|")} <= {event.__name__ for event in RUN_EVENTS}


def test_panels_of_the_dashboard_do_not_cover_each_other() -> None:
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard_panels())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_the_dashboard_uses_the_data_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in dashboard_panels()} == {source["uid"]}
    assert "prometheus" in COMPOSE["services"]
    assert source["url"] == "http://prometheus:9090"
