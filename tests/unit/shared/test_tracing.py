"""Spans where a collector is configured; nothing at all where none is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest
from opentelemetry.trace import SpanKind

from shared import tracing
from shared.correlation import Correlation, correlation, set_correlation

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = PARENT.split("-")[1]


@dataclass(frozen=True)
class Record:
    value: bytes | None
    offset: int = 1
    topic: str = "run.commands"
    partition: int = 0


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With a collector that is away."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.05")  # seconds: its thread ends with the test
    monkeypatch.setattr(tracing, "_tracer", None)
    monkeypatch.setattr(tracing, "_provider", None)
    tracing.configure("test")
    yield
    tracing.stop()


def test_without_a_collector_nothing_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    tracing.configure("test")
    assert tracing.begin("x", SpanKind.SERVER, PARENT, {}) is None
    record = Record(b"{}")
    tracing.Taken([record], "group").end()
    assert tracing.context_of(record) is None
    with tracing.calling("x", PARENT, {}) as context:
        assert context == PARENT


@pytest.mark.usefixtures("traced")
def test_what_a_request_causes_is_below_its_span() -> None:
    set_correlation(Correlation("req_1", PARENT))
    span = tracing.begin_request("GET", "/api/v1/playbooks")
    assert span is not None
    own = tracing.traceparent_of(span)
    assert correlation() == Correlation("req_1", own)
    assert own.split("-")[1] == TRACE and own != PARENT
    tracing.end_request(span, "GET", "/api/v1/playbooks", 200)
    assert tracing.begin_request("GET", "/health/ready") is None


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[]", b'{"traceparent": 7}', b'{"traceparent": "00-0-0-0"}'])
def test_a_record_that_is_nothing_has_a_span_all_the_same(value: bytes | None) -> None:
    record = Record(value)
    taken = tracing.Taken([record], "group")
    taken.failed(record, ValueError("x"))
    assert tracing.context_of(record)
    taken.end()
    assert tracing.context_of(record) is None


@pytest.mark.usefixtures("traced")
def test_each_record_of_a_batch_belongs_to_its_own_trace() -> None:
    mine, other = Record(orjson.dumps({"traceparent": PARENT})), Record(b"{}", offset=2)
    taken = tracing.Taken([mine, other], "group")
    contexts = [(tracing.context_of(record) or "").split("-")[1] for record in (mine, other)]
    taken.end()
    assert contexts[0] == TRACE != contexts[1]


@pytest.mark.usefixtures("traced")
def test_a_stop_does_not_wait_for_a_collector_that_is_away() -> None:
    for _ in range(100):
        span = tracing.begin("x", SpanKind.SERVER, None, {})
        assert span is not None
        span.end()
    began = time.monotonic()
    tracing.stop()
    assert time.monotonic() - began < 2 * tracing._LAST_SECONDS
