"""A "no", as a value: the code of the public API, a sentence, and details to the field."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.values import Contract


class Code(StrEnum):
    VALIDATION_ERROR = "VALIDATION_ERROR"
    SMART_CODE_INVALID = "SMART_CODE_INVALID"
    ORGANIZATION_REQUIRED = "ORGANIZATION_REQUIRED"
    ORGANIZATION_MISMATCH = "ORGANIZATION_MISMATCH"
    CONTRACT_VALIDATION_FAILED = "CONTRACT_VALIDATION_FAILED"
    POLICY_VIOLATION = "POLICY_VIOLATION"
    CIRCULAR_DEPENDENCY = "CIRCULAR_DEPENDENCY"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    INVALID_STATE = "INVALID_STATE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class Rejection(Contract):
    """Why something was refused; `details.errors` lists it all where more than one thing is wrong."""

    code: Code
    message: str
    details: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Returns False for a refusal that says nothing about the command itself: sent again, it may be accepted."""
        return self.code not in (Code.UNAVAILABLE, Code.INTERNAL_ERROR, Code.IDEMPOTENCY_CONFLICT)


OTHER_BODY = Rejection(
    code=Code.IDEMPOTENCY_CONFLICT,
    message="This Idempotency-Key was used with another body",
    details={"field": "Idempotency-Key", "reason": "A key stands for one request; use a new key for a new one"},
)

OTHER_SIGNAL = Rejection(
    code=Code.IDEMPOTENCY_CONFLICT,
    message="This signal_id was used for another signal, or for what has been erased since",
    details={"field": "signal_id", "reason": "An id stands for one signal; use a new one for a new one"},
)

_ERASED_BODY = Rejection(
    code=Code.IDEMPOTENCY_CONFLICT,
    message="What this Idempotency-Key was used with has been erased since",
    details={
        "field": "Idempotency-Key",
        "reason": "It can't be told any more whether this is the same request; use a new key for a new one",
    },
)


def other_body(first: str | None, again: str | None) -> Rejection:
    """Of two fingerprints that differ. Those of bodies with encrypted values are `key:digest`; the key may be gone."""
    keys = [fingerprint.rpartition(":")[0] for fingerprint in (first or "", again or "")]
    return _ERASED_BODY if all(keys) and keys[0] != keys[1] else OTHER_BODY


NO_LONGER_KEPT = Rejection(
    code=Code.IDEMPOTENCY_CONFLICT,
    message="This command was carried out before; its answer is no longer kept",
    details={"reason": "Answers are kept for seven days at least; use a new key for a new request"},
)

SET_ASIDE = Rejection(
    code=Code.INTERNAL_ERROR,
    message="The command could not be carried out and was set aside; an operator has been told",
)
