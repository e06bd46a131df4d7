"""What an endpoint's answer means for the step."""

from dataclasses import dataclass, field
from typing import Any, Literal

_ERROR_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to."""

    outcome: Literal["success", "failure"]
    data: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    retryable: bool = False


def failure(error: str, *, retryable: bool) -> Outcome:
    return Outcome("failure", error=error, retryable=retryable)


def judge(status: int, document: Any, text: str) -> Outcome:
    """2xx is success: the work is done over there, whatever the body says of it, so it must not be done again.

    `document` is the body read as JSON, None where it is none. A JSON object becomes the step's data; an empty body,
    other JSON or no JSON gives no data. Of the other answers 429 and 5xx are worth another attempt; `text` is the
    body's beginning, for the error.
    """
    if 200 <= status < 300:
        return Outcome("success", data=document if isinstance(document, dict) else {})
    if 300 <= status < 400:
        return failure(f"the endpoint answered {status}; redirects are not followed", retryable=False)
    excerpt = " ".join(text.split())[:_ERROR_EXCERPT]
    sentence = f"the endpoint answered {status}" + (f": {excerpt}" if excerpt else "")
    return failure(sentence, retryable=status == 429 or status >= 500)


def too_large(status: int, limit: int) -> Outcome:
    """Of a success the data would be lost, and another attempt would bring the same."""
    return failure(
        f"the endpoint answered {status} with more than {limit} bytes", retryable=status == 429 or status >= 500
    )
