"""Compose and Kubernetes give the same labels to the same service, and every query finds series by them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser
import pytest
import yaml

from deploy.local.plan import SERVICES
from tests.kubernetes.manifests import BASE, Manifest, of_kind, pods, selects
from tests.unit.deploy.test_containers import CHECKOUT, DEPLOY, dashboard_expressions

Labels = dict[str, str]
_METRICS = """
import importlib, json, sys
from prometheus_client import REGISTRY
importlib.import_module(f"services.{sys.argv[1]}.main")
names = {}
for collector in list(REGISTRY._collector_to_names):
    labels = list(getattr(collector, "_labelnames", ()))
    for family in collector.collect():
        names[family.name] = (family.type, labels)
print(json.dumps(names))
"""
_SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "summary": ["_count", "_sum"]}


@dataclass(frozen=True)
class Series:
    """A metric of a target: labels with the values that the target has, and labels of the metric with any value."""

    name: str
    target: Labels
    own: frozenset[str]

    def fits(self, matcher: Any) -> bool:
        if matcher.name in self.own:
            return True
        value, operator = self.target.get(matcher.name, ""), str(matcher.op).rsplit(".", 1)[1]
        if operator in ("Equal", "NotEqual"):
            return bool(value == matcher.value) == (operator == "Equal")
        return bool(re.fullmatch(matcher.value, value)) == (operator == "Re")

    @property
    def labels(self) -> set[str]:
        return {*self.target, *self.own}


@cache
def metrics(service: str) -> dict[str, frozenset[str]]:
    """Returns the names of what the service shows at /metrics, with their labels; each in a process of its own."""
    command = [sys.executable, "-c", _METRICS, service]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, frozenset[str]] = {"up": frozenset()}
    for name, (kind, labels) in json.loads(done.stdout).items():
        for suffix in _SUFFIXES.get(kind, [""]):
            found[f"{name}{suffix}"] = frozenset([*labels, *(["le"] if suffix == "_bucket" else [])])
    return found


def compose_targets() -> list[Labels]:
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    return [
        {"job": job["job_name"], "instance": target, **group["labels"]}
        for group in job["static_configs"]
        for target in group["targets"]
    ]


def kubernetes_targets() -> list[Labels]:
    """Returns the labels that Prometheus Operator gives to the pods of the Services that a ServiceMonitor selects."""
    return [
        _relabelled(endpoint.get("relabelings", []), _discovered(service, name, template, endpoint))
        for monitor in of_kind("ServiceMonitor")
        for endpoint in monitor["spec"]["endpoints"]
        for service in of_kind("Service")
        if selects(monitor["spec"]["selector"], service["metadata"]["labels"])
        for name, template in _pods_behind(service, endpoint["port"])
    ]


def _pods_behind(service: Manifest, port_name: str) -> Iterator[tuple[str, Manifest]]:
    """Yields the pods that the Service selects and that have the port to which its port of this name leads."""
    targets = [port["targetPort"] for port in service["spec"]["ports"] if port["name"] == port_name]
    for name, template in pods():
        (container,) = template["spec"]["containers"]
        own = [port["name"] for port in container.get("ports", [])]
        if selects({"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"]):
            yield from ((name, template) for target in targets if target in own)


def _discovered(service: Manifest, pod: str, template: Manifest, endpoint: Manifest) -> Labels:
    labels = {
        f"__meta_kubernetes_{kind}_label_{re.sub('[^a-zA-Z0-9_]', '_', label)}": value
        for kind, metadata in (("service", service["metadata"]), ("pod", template["metadata"]))
        for label, value in metadata["labels"].items()
    }
    name = service["metadata"]["name"]
    given = {"job": name, "service": name, "namespace": "hera", "pod": f"{pod}-0", "endpoint": endpoint["port"]}
    return labels | given | {"container": pod, "instance": "10.0.0.1:9464"}


def _relabelled(rules: list[Manifest], labels: Labels) -> Labels:
    for rule in rules:
        assert rule.get("action", "replace") == "replace" and "regex" not in rule
        joined = ";".join(labels.get(name, "") for name in rule.get("sourceLabels", []))
        labels = labels | {rule["targetLabel"]: rule.get("replacement", joined)}
    return {name: value for name, value in labels.items() if not name.startswith("__")}


def test_both_call_each_service_the_same() -> None:
    expected = {("hera", service) for service in SERVICES}
    for targets in (compose_targets(), kubernetes_targets()):
        assert {(labels["job"], labels["service"]) for labels in targets} == expected
        assert len(targets) == len(SERVICES)


def all_queries() -> Iterator[tuple[str, str]]:
    """Yields where a query stands, and the query."""
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]
    for number, expression in enumerate(dashboard_expressions()):
        yield f"panel query {number}", expression.replace("$__rate_interval", "5m")
    (rule,) = yaml.safe_load((BASE / "autoscaling" / "adapter-values.yaml").read_text())["rules"]["external"]
    yield "autoscalers", rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="hera"')


def selectors(expression: Any, by: frozenset[str] = frozenset()) -> Iterator[tuple[Any, frozenset[str]]]:
    """Yields each selector of the query with the labels by which it is grouped, at whatever depth."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression, by
        return
    if isinstance(expression, promql_parser.AggregateExpr) and expression.modifier is not None:
        by = by | frozenset(expression.modifier.labels)
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if hasattr(expression, name):
            yield from selectors(getattr(expression, name), by)
    for argument in getattr(expression, "args", ()):
        yield from selectors(argument, by)


@pytest.mark.parametrize("targets", [compose_targets, kubernetes_targets], ids=["compose", "kubernetes"])
def test_every_query_finds_series_with_the_labels_that_it_groups_by(targets: Any) -> None:
    series = [Series(name, labels, own) for labels in targets() for name, own in metrics(labels["service"]).items()]
    for place, query in all_queries():
        if place == "autoscalers" and targets is compose_targets:
            continue  # of the cluster only
        for selector, by in selectors(promql_parser.parse(query)):
            found = [s for s in series if s.name == selector.name and all(map(s.fits, selector.matchers.matchers))]
            assert found, f"{place}: no series for {selector.prettify()}"
            assert all(by <= s.labels for s in found), f"{place}: {selector.prettify()} has no labels {set(by)}"


@pytest.mark.parametrize("targets", [compose_targets, kubernetes_targets], ids=["compose", "kubernetes"])
def test_an_alert_names_only_labels_that_it_has(targets: Any) -> None:
    everywhere = set.intersection(*(set(labels) for labels in targets()))
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
            grouped = [by for _, by in selectors(promql_parser.parse(rule["expr"]))]
            has = frozenset.intersection(*grouped) or everywhere
            assert named <= has, rule["alert"]
