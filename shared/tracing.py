"""OpenTelemetry: spans from a request to the projections that it changes.

Set up only where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) says where spans go, over OTLP/HTTP; otherwise
every call here is a look at one variable. All other `OTEL_*` variables are the SDK's own. A collector that can't be
reached costs spans, never time: they are exported by a thread of their own, from a bounded queue.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.correlation import Correlation, correlation, set_correlation

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Attributes = Mapping[str, str | int]
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LAST_SECONDS = 2.0
_TEXT_KEPT = 200
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer: Tracer | None = None
_provider: "TracerProvider | None" = None
_in_hand: dict[tuple[str, int, int], str] = {}
"""By topic, partition and offset: the trace context of records that are being handled."""


class Located(Protocol):
    """A Kafka record, as far as a span tells of it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


def configure(service: str) -> None:
    """Once in a process, before anything is traced."""
    if not any(os.environ.get(name) for name in _ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer, _provider
    name = os.environ.get("OTEL_SERVICE_NAME", f"hera-{service}")
    _provider = TracerProvider(resource=Resource.create({"service.name": name, "service.namespace": "hera"}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("hera")


def stop() -> None:
    """What is not out after two seconds is lost: a stop does not wait for a collector that is away."""
    if _provider is not None:
        last = threading.Thread(target=_provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_SECONDS)


def begin(name: str, kind: SpanKind, traceparent: str | None, attributes: Attributes) -> Span | None:
    """None where nothing is traced. Whoever begins a span ends it."""
    if _tracer is None:
        return None
    parent = _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {})
    return _tracer.start_span(name, parent, kind, attributes)


def begin_request(method: str, path: str) -> Span | None:
    """For a request at hand: what it causes from here on is below its span. The route is known at its end."""
    if _tracer is None or path.startswith(("/health/", "/metrics")):
        return None
    current = correlation()
    attributes = {"http.request.method": method, "hera.correlation_id": current.correlation_id}
    span = begin(method, SpanKind.SERVER, current.traceparent, attributes)
    assert span is not None
    set_correlation(Correlation(current.correlation_id, traceparent_of(span)))
    return span


def end_request(span: Span | None, method: str, route: str, status: int) -> None:
    if span is None:
        return
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


@contextmanager
def calling(name: str, traceparent: str | None, attributes: Attributes) -> Iterator[str | None]:
    """Around a call to another system; gives the trace context that goes with it."""
    span = begin(name, SpanKind.CLIENT, traceparent, attributes)
    if span is None:
        yield traceparent
        return
    try:
        yield traceparent_of(span)
    finally:
        span.end()


class Taken:
    """The spans of a batch from Kafka: one for each record, for each has a trace of its own to belong to."""

    def __init__(self, records: Iterable[Located], group: str) -> None:
        self._spans: dict[tuple[str, int, int], Span] = {}
        if _tracer is None:
            return
        for record in records:
            place = record.topic, record.partition, record.offset
            self._spans[place] = span = _begin_taking(record, group)
            _in_hand[place] = traceparent_of(span)

    def failed(self, record: Located, error: Exception) -> None:
        span = self._spans.get((record.topic, record.partition, record.offset))
        if span is not None:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))

    def end(self) -> None:
        for place, span in self._spans.items():
            _in_hand.pop(place, None)
            span.end()


def context_of(record: Located) -> str | None:
    """The trace context of a record that is being handled, for what comes of it; None where nothing is traced."""
    return _in_hand.get((record.topic, record.partition, record.offset)) if _tracer is not None else None


def traceparent_of(span: Span) -> str:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(span))
    return carrier["traceparent"]


def _begin_taking(record: Located, group: str) -> Span:
    envelope = _envelope(record.value)
    traceparent = envelope.get("traceparent")
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.consumer.group.name": group,
    }
    told = {"type": "hera.message_type", "key": "hera.key", "organization_id": "hera.organization_id",
            "correlation_id": "hera.correlation_id", "id": "messaging.message.id"}  # fmt: skip
    attributes |= {
        name: value[:_TEXT_KEPT] for key, name in told.items() if isinstance(value := envelope.get(key), str)
    }
    span = begin(
        f"process {record.topic}", SpanKind.CONSUMER, traceparent if isinstance(traceparent, str) else None, attributes
    )
    assert span is not None
    return span


def _envelope(value: bytes | None) -> dict[str, Any]:
    """Of anything: what is no envelope is found out, and parked, by whoever reads it."""
    try:
        document = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
