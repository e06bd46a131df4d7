"""What an endpoint's answer means for the step."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

_ERROR_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to."""

    outcome: Literal["success", "failure"]
    data: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = None
    """The pause before the next attempt that the endpoint asked for."""
    host_failed: bool = False
    """The host was silent, away or at fault, which its circuit counts."""


def failure(error: str, *, retryable: bool, host_failed: bool = False) -> Outcome:
    return Outcome("failure", error=error, retryable=retryable, host_failed=host_failed)


def unanswered(error: str) -> Outcome:
    """The host was silent or away, which may pass."""
    return failure(error, retryable=True, host_failed=True)


def circuit_open(until: datetime, waited_since: datetime, now: datetime) -> Outcome:
    """No call was made: the job waited for the host for as long as one may."""
    waited = f"{(now - waited_since).total_seconds():.0f} s"
    return Outcome(
        "failure",
        error=f"circuit open until {until.isoformat(timespec='seconds')}: the host failed again and again for {waited}",
        retryable=True,
        retry_after_seconds=max(1.0, (until - now).total_seconds()),
    )


def refused(status: int, reason: str, retry_after: float | None = None) -> Outcome:
    """An answer that is none of success: 429 and 5xx are worth another attempt."""
    retryable = status == 429 or status >= 500
    return Outcome(
        "failure",
        error=f"the endpoint answered {status}{reason}",
        retryable=retryable,
        retry_after_seconds=retry_after if retryable else None,
        host_failed=status >= 500,
    )


def judge(status: int, document: Any, text: str, retry_after: float | None = None) -> Outcome:
    """2xx is success: the work is done over there, whatever the body says of it, so it must not be done again.

    `document` is the body read as JSON, None where it is none. A JSON object becomes the step's data; an empty body,
    other JSON or no JSON gives no data. `text` is the body's beginning, for the error.
    """
    if 200 <= status < 300:
        return Outcome("success", data=document if isinstance(document, dict) else {})
    if 300 <= status < 400:
        return refused(status, "; redirects are not followed")
    excerpt = " ".join(text.split())[:_ERROR_EXCERPT]
    return refused(status, f": {excerpt}" if excerpt else "", retry_after)


def too_large(status: int, limit: int) -> Outcome:
    """Of a success the data would be lost, and another attempt would bring the same."""
    return refused(status, f" with more than {limit} bytes")
