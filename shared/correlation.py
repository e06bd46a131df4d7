"""The ids that tie together what one request causes, kept for the task at hand and for its log lines."""

from contextvars import ContextVar
from dataclasses import dataclass

from structlog.contextvars import bind_contextvars


@dataclass(frozen=True, slots=True)
class Correlation:
    correlation_id: str
    """The request's `X-Request-ID`."""
    traceparent: str | None = None
    """W3C trace context, passed on as it came."""


_current: ContextVar[Correlation | None] = ContextVar("correlation", default=None)


def set_correlation(correlation: Correlation) -> None:
    _current.set(correlation)
    bind_contextvars(correlation_id=correlation.correlation_id)


def correlation() -> Correlation:
    """Of the request at hand; an empty one outside any."""
    return _current.get() or Correlation("none")
