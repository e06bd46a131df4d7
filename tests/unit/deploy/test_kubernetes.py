"""The manifests are valid, apply as a unit, hold all settings, and let through only what the services need."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from contracts.topics import TOPICS
from deploy.acls import BACKUP, OPERATOR, RESTORE
from deploy.local.plan import QUERIED, SERVICES
from tests.kubernetes.manifests import (
    BASE,
    DEPLOY,
    FOLDERS,
    TLS,
    Manifest,
    documents,
    kustomization,
    manifest,
    manifests,
    of_kind,
    pod_template,
    pods,
    selects,
)
from tests.unit.deploy.test_containers import CHECKOUT, COLLECTOR, known, settings_class

API_VERSION = "1.36"
CRDS = {
    crd["spec"]["names"]["kind"]: crd
    for path in sorted((CHECKOUT / "tests/fixtures/kubernetes").glob("*.yaml"))
    for crd in documents(path)
}
SECRETS = next(iter(documents(BASE / "secret.example.yaml")))["stringData"]
CONFIG = manifest("ConfigMap", "hera")["data"]


def named(one: Manifest) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


@pytest.mark.parametrize("one", [*manifests(), *documents(BASE / "secret.example.yaml")], ids=named)
def test_each_manifest_is_valid_for_the_version_of_the_api(one: Manifest) -> None:
    validate(one)


def validate(one: Manifest) -> None:
    if one["kind"] in CRDS:
        jsonschema.validate(one, _closed(_schema_of(one)))
    else:
        kubernetes_validate.validate(one, API_VERSION, strict=True)


def test_a_manifest_with_a_misspelt_field_would_not_pass() -> None:
    gateway = yaml.safe_load(yaml.safe_dump(manifest("Deployment", "gateway")))
    gateway["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(gateway, API_VERSION, strict=True)
    monitor = yaml.safe_load(yaml.safe_dump(manifest("ServiceMonitor", "hera")))
    monitor["spec"]["endpoints"][0]["ports"] = "metrics"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(monitor, _closed(_schema_of(monitor)))


def _schema_of(one: Manifest) -> Manifest:
    version = one["apiVersion"].partition("/")[2]
    (found,) = [v for v in CRDS[one["kind"]]["spec"]["versions"] if v["name"] == version]
    schema: Manifest = found["schema"]["openAPIV3Schema"]
    return schema


def _closed(schema: Any) -> Any:
    """Returns the schema without room for unknown fields, which a strict API server has not either."""
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: _closed(child) for name, child in value.items()}
        if key == "properties"
        else [_closed(child) for child in value]
        if key in ("anyOf", "allOf", "oneOf")
        else _closed(value)
        for key, value in schema.items()
    }
    if "pattern" in schema:
        closed["pattern"] = schema["pattern"].replace("^(?i)", "(?i)^")  # as Python has it
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if closed.get("properties") and not is_open:
        closed["additionalProperties"] = False
    return closed


def test_every_file_belongs_to_a_kustomization() -> None:
    listed = {folder / name for folder in FOLDERS for name in kustomization(folder)["resources"]}
    own = {folder / "kustomization.yaml" for folder in FOLDERS}
    beside = {BASE / "secret.example.yaml", KAFKA_SECRETS, BASE / "autoscaling" / "adapter-values.yaml"}
    patches = {TLS / one["path"] for one in kustomization(TLS)["patches"] if "path" in one}
    assert set(BASE.rglob("*.yaml")) == listed | own | beside | patches | {TLS / "kustomization.yaml"}


def test_nothing_has_the_name_of_something_else_and_all_is_in_the_namespace() -> None:
    names = [named(one) for one in manifests()]
    assert len(names) == len(set(names))
    assert {one["metadata"].get("namespace") for one in manifests() if one["kind"] != "Namespace"} == {"hera"}


KAFKA_SECRETS = BASE / "kafka-secrets.example.yaml"


def kafka_secrets() -> set[str]:
    return {name for one in yaml.safe_load_all(KAFKA_SECRETS.read_text()) for name in one["stringData"]}


def test_what_is_set_is_in_the_config_the_secret_or_nowhere() -> None:
    """A setting that is missing here is one that nobody finds who looks for it in the manifests."""
    settings = {name for service in SERVICES for name in known(service)} | {COLLECTOR, "KAFKA_MIN_INSYNC_REPLICAS"}
    assert set(CONFIG) | set(SECRETS) | kafka_secrets() == settings
    assert not set(CONFIG) & (set(SECRETS) | kafka_secrets())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_only_secrets_that_it_knows(service: str) -> None:
    (container,) = manifest("Deployment", service.replace("_", "-"))["spec"]["template"]["spec"]["containers"]
    own = {"name": f"hera-kafka-{service.replace('_', '-')}", "optional": True}
    assert container["envFrom"] == [{"configMapRef": {"name": "hera"}}, {"secretRef": own}]
    assert own["name"] in {one["metadata"]["name"] for one in yaml.safe_load_all(KAFKA_SECRETS.read_text())}
    taken = {variable["name"] for variable in container["env"]}
    assert taken == set(SECRETS) & known(service)
    assert all(v["valueFrom"]["secretKeyRef"]["key"] == v["name"] for v in container["env"])


def test_the_default_that_a_comment_names_is_the_default() -> None:
    commented = dict(re.findall(r'^  ([A-Z_]+): "" # ([^;\n]+)', (BASE / "config.yaml").read_text(), re.MULTILINE))
    for service in SERVICES:
        for name, field in settings_class(service).model_fields.items():
            said = commented.get(name.upper())
            if said is None or field.is_required() or name == "kafka_max_batch_records":
                continue
            if said in ("none", "any"):
                assert field.default is None, name
            else:
                assert _as_text(field.default) == said, name


def _as_text(default: Any) -> str:
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, tuple | frozenset):
        return str(list(default)).replace("'", '"')
    return str(default)


def test_the_topics_can_be_created_again_with_another_image() -> None:
    topics = manifest("CronJob", "topics")
    template = pod_template(topics)
    assert template is not None
    assert template["spec"]["containers"][0]["args"] == ["deploy.topics"]
    assert not of_kind("Job")  # its template could not be changed


def test_rights_are_given_when_somebody_says_so_by_one_who_may() -> None:
    acls = manifest("CronJob", "acls")
    assert acls["spec"]["suspend"] is True
    (container,) = acls["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["deploy.acls"]
    assert container["envFrom"] == [{"configMapRef": {"name": "hera"}}, {"secretRef": {"name": "hera-kafka-acls"}}]
    assert [variable["name"] for variable in container["env"]] == ["SIGNAL_SOURCES"]


def test_each_principal_has_a_secret_of_its_own() -> None:
    users = {one["stringData"]["KAFKA_SASL_USERNAME"] for one in documents(KAFKA_SECRETS)}
    assert users == {*SERVICES, OPERATOR, BACKUP, RESTORE, "admin"}


def test_autoscalers_look_at_the_lag_of_groups_that_exist() -> None:
    groups = {topic.group(reader) for topic in TOPICS for reader in topic.readers if reader in SERVICES}
    scaled = {}
    for scaler in of_kind("HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        deployment = manifest("Deployment", spec["scaleTargetRef"]["name"])
        assert spec["minReplicas"] == deployment["spec"]["replicas"]
        external = [metric["external"] for metric in spec["metrics"] if metric["type"] == "External"]
        scaled[scaler["metadata"]["name"]] = {m["metric"]["selector"]["matchLabels"]["group"] for m in external}
        assert not external or spec["maxReplicas"] <= int(CONFIG["KAFKA_PARTITIONS"])
    assert scaled.keys() == {service.replace("_", "-") for service in SERVICES}
    assert all(scaled[name] for name in scaled if name != "gateway")
    assert set().union(*scaled.values()) <= groups
    (rule,) = yaml.safe_load((BASE / "autoscaling" / "adapter-values.yaml").read_text())["rules"]["external"]
    assert rule["name"]["as"] == "hera_consumer_lag"


def test_what_is_scaled_by_an_autoscaler_has_no_number_of_its_own() -> None:
    component = kustomization(BASE / "autoscaling")
    (patch,) = component["patches"]
    assert component["kind"] == "Component"
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
    assert all(one["spec"]["replicas"] for one in of_kind("Deployment"))


# Who may talk to whom.

LABELS = {name: template["metadata"]["labels"] for name, template in pods()}
POLICIES = of_kind("NetworkPolicy")
ASKS = {("gateway", service.replace("_", "-")) for service in QUERIED.values()} | {
    (asking, "run-engine") for asking in ("automation", "notifier", "timeline")
}
"""Over HTTP, inside. The timeline asks by its command `verify`."""
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


def rules(direction: str, labels: dict[str, str]) -> Iterator[Manifest]:
    for policy in POLICIES:
        spec = policy["spec"]
        if direction.capitalize() in spec["policyTypes"] and selects(spec["podSelector"], labels):
            yield from spec.get(direction, [])


def lets(rule: Manifest, side: str, other: dict[str, str], namespace: str, port: int | str) -> bool:
    ports = [one["port"] for one in rule.get("ports", [])]
    if ports and port not in ports:
        return False
    peers = rule.get(side)
    return peers is None or any(_is_peer(peer, other, namespace) for peer in peers)


def _is_peer(peer: Manifest, labels: dict[str, str], namespace: str) -> bool:
    if "ipBlock" in peer:
        return False
    here = (
        namespace == "hera"
        if "namespaceSelector" not in peer
        else selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
    )
    return here and ("podSelector" not in peer or selects(peer["podSelector"], labels))


def may_enter(name: str, caller: dict[str, str], namespace: str = "hera", port: str = "http") -> bool:
    return any(lets(rule, "from", caller, namespace, port) for rule in rules("ingress", LABELS[name]))


def may_leave(name: str, to: str) -> bool:
    return any(lets(rule, "to", LABELS[to], "hera", "http") for rule in rules("egress", LABELS[name]))


def test_a_policy_denies_what_no_other_allows() -> None:
    (everything,) = [one for one in POLICIES if one["spec"]["podSelector"] == {}]
    assert everything["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("asking", sorted(LABELS))
def test_a_service_reaches_those_that_it_asks_and_no_other(asking: str) -> None:
    for asked in LABELS.keys() - {asking}:
        needed = (asking, asked) in ASKS
        assert may_leave(asking, asked) == needed, (asking, asked)
        if asked != "gateway":  # which is there for all
            assert may_enter(asked, LABELS[asking]) == needed, (asking, asked)


def test_callers_from_outside_reach_the_gateway_only() -> None:
    ingress = {"app.kubernetes.io/name": "ingress-nginx"}
    assert {name for name in LABELS if may_enter(name, ingress, "ingress")} == {"gateway"}
    assert {name for name in LABELS if may_enter(name, {"app": "stranger"})} == {"gateway"}


def test_prometheus_reaches_every_service() -> None:
    reached = {name for name in LABELS if may_enter(name, PROMETHEUS, "monitoring", "metrics")}
    assert reached == {service.replace("_", "-") for service in SERVICES}


@pytest.mark.parametrize("namespace", ["hera", "monitoring", "elsewhere"])
def test_nobody_else_reaches_metrics(namespace: str) -> None:
    assert not any(may_enter(name, {"app": "stranger"}, namespace, "metrics") for name in LABELS)
    others = [labels for labels in LABELS.values() if namespace == "hera"]
    assert not any(may_enter(name, labels, namespace, "metrics") for name in LABELS for labels in others)


def test_every_pod_reaches_kafka_and_those_that_call_out_reach_public_addresses_only() -> None:
    brokers = {int(address.rsplit(":", 1)[1]) for address in CONFIG["KAFKA_BOOTSTRAP_SERVERS"].split(",")}
    outside = set()
    for name, labels in LABELS.items():
        leaving = list(rules("egress", labels))
        ports = {port["port"] for rule in leaving if "to" not in rule for port in rule["ports"]}
        assert {*brokers, 53, 27017} <= ports
        blocks = [peer["ipBlock"] for rule in leaving for peer in rule.get("to", []) if "ipBlock" in peer]
        outside |= {name} if blocks else set()
        assert all({"169.254.0.0/16", "10.0.0.0/8"} <= set(b["except"]) for b in blocks if b["cidr"] == "0.0.0.0/0")
    assert outside == {"automation", "notifier", "gateway"}


def test_the_image_is_one() -> None:
    images = {c["image"] for _, template in pods() for c in template["spec"]["containers"]}
    (set_by_kustomize,) = kustomization(BASE)["images"]
    assert images == {f"{set_by_kustomize['name']}:{set_by_kustomize['newTag']}"}


def test_alerts_and_dashboard_are_those_of_compose() -> None:
    rule = manifest("PrometheusRule", "hera")
    assert rule["spec"] == yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    board = manifest("ConfigMap", "hera-dashboard")["data"]["hera.json"]
    assert board.strip() == (DEPLOY / "grafana" / "dashboards" / "hera.json").read_text().strip()
