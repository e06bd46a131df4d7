"""Each alert fires when it must and is silent before, as Prometheus itself evaluates it (`promtool test rules`)."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from contracts.topics import SIGNALS, TOPICS
from deploy.local.plan import SERVICES
from tests.unit.deploy.test_containers import CHECKOUT, DEPLOY, required

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed; Debian: apt install prometheus"
)
Labels = dict[str, str]
ENGINE = 'job="hera", service="run_engine", instance="run-engine:9464"'
TOPIC = 'topic="playbook.commands"'
PARTITION = f'{TOPIC}, group="run_engine.playbook.commands", partition="3"'
API = 'job="hera", service="gateway", instance="gateway:9464", method="POST", route="/api/v1/playbook-runs"'

_SHOWN_BY_A_SERVICE_THAT_IS_BUILT = """
import importlib, json, sys
from prometheus_client import REGISTRY
from tests.unit.deploy.test_containers import settings_class
service = sys.argv[1]
importlib.import_module(f"services.{service}.main").build(settings_class(service)())
print(json.dumps([(sample.name, sample.labels) for metric in REGISTRY.collect() for sample in metric.samples]))
"""


@dataclass(frozen=True)
class Case:
    """A story in samples of one minute, the first at minute 0 (`1x2` are three ones)."""

    alert: str
    series: dict[str, str]
    silent_at: tuple[int, ...]
    fires_at: int
    labels: Labels
    summary: str
    firing: Labels = field(init=False)

    def __post_init__(self) -> None:
        severity = next(rule["labels"] for rule in rules() if rule["alert"] == self.alert)
        object.__setattr__(self, "firing", self.labels | severity)

    def as_promtool_has_it(self) -> dict[str, object]:
        expected = [{"exp_labels": self.firing, "exp_annotations": {"summary": self.summary}}]
        looks: list[tuple[int, Any]] = [*((minute, []) for minute in self.silent_at), (self.fires_at, expected)]
        test = {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in self.series.items()],
            "alert_rule_test": [
                {"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": alerts} for minute, alerts in looks
            ],
        }
        return {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def target(service: str, instance: str) -> Labels:
    return {"job": "hera", "service": service, "instance": instance}


CASES = [
    Case(
        "ServiceDown", {f"up{{{ENGINE}}}": "1x2 0x10"}, (2, 3), 4,
        target("run_engine", "run-engine:9464"), "run_engine at run-engine:9464 does not answer",
    ),
    Case(
        "RecordsParked", {f"hera_records_parked_total{{{ENGINE}, {TOPIC}}}": "0x5 1x20"}, (5, 22), 6,
        {"topic": "playbook.commands"},
        "Records of playbook.commands were set aside; playbook.commands.parked says why",
    ),
    Case(
        "BatchesUnreadable", {f"hera_batches_unreadable_total{{{ENGINE}, {TOPIC}}}": "0x5 1x20"}, (5, 22), 6,
        {"service": "run_engine", "topic": "playbook.commands"},
        "run_engine skipped records of playbook.commands that can't be read; its log says which and why",
    ),
    Case(
        "LogWasLostOrTruncated", {f"hera_positions_reset_total{{{ENGINE}, {TOPIC}}}": "0x5 1x20"}, (5, 22), 6,
        {"topic": "playbook.commands"},
        "Readers of playbook.commands stood where its log has no records, and began anew at its start: "
        "was it lost, truncated or restored?",
    ),
    Case(
        "LagIsNegative", {f"hera_consumer_lag{{{ENGINE}, {PARTITION}}}": "0x2 -5x9"}, (2, 3), 4,
        {"topic": "playbook.commands", "group": "run_engine.playbook.commands", "partition": "3"},
        "run_engine.playbook.commands has committed more of partition 3 of playbook.commands than there is: "
        "its log was lost or truncated",
    ),
    Case(
        "TransactionStaysOpen", {f"hera_open_transaction_seconds{{{ENGINE}, {PARTITION}}}": "_ 20 25"}, (0, 1), 2,
        {"topic": "playbook.commands", "partition": "3"},
        "A transaction of another producer has held back partition 3 of playbook.commands for 25s",
    ),
    Case(
        "PartitionStandsStill", {f"hera_partition_seconds_without_progress{{{ENGINE}, {PARTITION}}}": "0+60x9"},
        (1, 2), 3,
        {"instance": "run-engine:9464", "topic": "playbook.commands", "partition": "3"},
        "run-engine:9464 reads nothing of partition 3 of playbook.commands",
    ),
    Case(
        "ServiceWaitsForItsUpgrade",
        # Without a message that is newer there is no series at all; a second replica has none either.
        {f"hera_partition_waits_for_upgrade_seconds{{{ENGINE}, {PARTITION}}}": "_ _ 5+60x9"},
        (1, 2), 3,
        {"service": "run_engine", "topic": "playbook.commands", "partition": "3"},
        "run_engine stands at a message of playbook.commands (partition 3) that is newer than it: upgrade it, "
        "or finish the upgrade; /health/ready says what is newer",
    ),
    Case(
        "ConsumerFallsBehind",
        {
            f"hera_consumer_lag{{{ENGINE}, {PARTITION}}}": "0 3000x9",
            f"hera_consumer_lag{{{ENGINE}, {PARTITION.replace('3', '4')}}}": "0 2001x9",
        },
        (0, 5), 6,
        {"group": "run_engine.playbook.commands"}, "run_engine.playbook.commands is 5001 records behind",
    ),
    Case(
        "ConsumerStandsStill",
        {
            f"hera_consumer_lag{{{ENGINE}, {PARTITION}}}": "10x40",
            f"hera_records_total{{{ENGINE}, {TOPIC}}}": "0+10x20 200x20",
        },
        (10, 20, 29), 30,
        {"service": "run_engine", "topic": "playbook.commands"},
        "run_engine has records of playbook.commands to read and reads none",
    ),
    Case(
        "ProjectionIsBehind",
        {
            f'hera_record_handled_after_seconds_bucket{{service="{service}", {TOPIC}, le="{le}"}}': values
            for service, le, values in (
                ("timeline", "30", "0x20"), ("timeline", "60", "0+10x20"), ("timeline", "+Inf", "0+10x20"),
                ("run_engine", "30", "0x20"), ("run_engine", "60", "0+10x20"), ("run_engine", "+Inf", "0+10x20"),
            )
        },
        (0, 5), 6,
        {"service": "timeline"}, "timeline shows what happened 58.5s ago (p95)",
    ),
    Case(
        "TimersAreLate",
        {
            f'hera_timer_late_seconds_bucket{{{ENGINE}, le="{le}"}}': values
            for le, values in (("60", "0x20"), ("300", "0+10x20"), ("+Inf", "0+10x20"))
        },
        (0, 5), 6,
        {}, "Due dates, escalations and resumes come 4m 48s late (p95)",
    ),
    Case(
        "ClockIsOff", {f"hera_clock_skew_seconds{{{ENGINE}}}": "0 -2 -3x9"}, (1, 2), 3,
        target("run_engine", "run-engine:9464"), "The clock of run-engine:9464 is 3s away from MongoDB's",
    ),
    Case(
        "RateLimitsAreNotCounted",
        {'hera_rate_limit_unavailable_total{job="hera", service="gateway", instance="gateway:9464"}': "0x5 1x20"},
        (5, 22), 6,
        target("gateway", "gateway:9464"),
        "gateway:9464 could not reach the count of requests and let them through",
    ),
    Case(
        "WebhookDisabled", {'hera_webhooks_disabled_total{service="notifier"}': "0x5 1x20"}, (5, 22), 6,
        {}, "A webhook was disabled because its endpoint failed; the notifier's log says which and why",
    ),
    Case(
        "NotificationsFail",
        {
            'hera_notifications_total{service="notifier", result="failed"}': "0x5 1x20",
            'hera_notifications_total{service="notifier", result="deferred"}': "0+1x30",
        },
        (5, 22), 6,
        {}, "Notifications were given up; the notifier's log says which and why",
    ),
    Case(
        "RequestsFail",
        {
            f'hera_http_request_seconds_count{{{API}, status="201"}}': "0+60x30",
            f'hera_http_request_seconds_count{{{API}, status="503"}}': "0x5 6+6x30",
            f'hera_http_request_seconds_count{{{API.replace("/api/v1", "/other")}, status="500"}}': "0+60x30",
        },
        (5, 10), 15,
        {}, "9.091% of the gateway's answers are faults",
    ),
    Case(
        "RequestsAreSlow",
        {
            f'hera_http_request_seconds_bucket{{{API}, status="201", le="{le}"}}': values
            for le, values in (("0.5", "0x30"), ("1", "0+10x30"), ("+Inf", "0+10x30"))
        },
        (1, 10), 11,
        {"method": "POST", "route": "/api/v1/playbook-runs"}, "POST /api/v1/playbook-runs takes 975ms (p95)",
    ),
]  # fmt: skip


def test_each_alert_has_a_case() -> None:
    assert sorted(case.alert for case in CASES) == sorted(str(rule["alert"]) for rule in rules())
    assert all(case.silent_at for case in CASES)


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_fires_when_it_must_and_not_before(case: Case, tmp_path: Path) -> None:
    told = run_promtool(case.as_promtool_has_it(), tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr


@needs_promtool
def test_a_story_in_which_nothing_fires_would_not_pass(tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.alert == "ServiceWaitsForItsUpgrade")
    (series,) = case.series
    quiet = Case(case.alert, {series: "_x10"}, case.silent_at, case.fires_at, case.labels, case.summary)
    assert run_promtool(quiet.as_promtool_has_it(), tmp_path).returncode == 1


def run_promtool(tests: dict[str, object], folder: Path) -> "subprocess.CompletedProcess[str]":
    path = folder / "alerts_test.yml"
    path.write_text(yaml.safe_dump(tests))
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, "test", "rules", str(path)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_alert_sees_increase_is_there_before_its_first_event(service: str) -> None:
    """Prometheus sees no increase in a series that begins with 1, so that the first event would raise no alert."""
    shown = shown_by(service)
    read = {topic.name for topic in TOPICS if service in topic.readers}
    assert read
    for name in counters_that_alerts_watch():
        labels = [labels for sample, labels in shown if sample == name]
        assert labels or name in OF_ONE_SERVICE, f"{name} is not shown"
        if labels and "topic" in labels[0]:
            missing = read - {one["topic"] for one in labels}
            assert missing <= ({SIGNALS.name} if name == PARKED else set()), name  # signals are refused, not parked


OF_ONE_SERVICE = {"hera_rate_limit_unavailable_total", "hera_webhooks_disabled_total", "hera_notifications_total"}
PARKED = "hera_records_parked_total"


def counters_that_alerts_watch() -> set[str]:
    """Those of which an alert takes the increase."""
    found: set[str] = set()
    for rule in rules():
        found |= set(counted(promql_parser.parse(str(rule["expr"]))))
    assert len(found) > len(OF_ONE_SERVICE)
    return found


def counted(expression: object) -> list[str]:
    if isinstance(expression, promql_parser.Call) and expression.func.name == "increase":
        return [expression.args[0].vector_selector.name]
    parts = (getattr(expression, name) for name in ("lhs", "rhs", "expr") if hasattr(expression, name))
    return [name for part in parts for name in counted(part)]


def shown_by(service: str) -> list[tuple[str, Labels]]:
    """Returns the samples of a service that was built and has read nothing."""
    settings = dict.fromkeys(required(service) | {"JWT_SECRET"}, "0123456789abcdef0123456789abcdef")
    settings |= {"MONGODB_URI": "mongodb://127.0.0.1:9", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    settings |= {name: "http://127.0.0.1:9" for name in settings if name.endswith("_URL")}
    command = [sys.executable, "-c", _SHOWN_BY_A_SERVICE_THAT_IS_BUILT, service]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return [(name, labels) for name, labels in json.loads(done.stdout.splitlines()[-1])]
