"""What `automation_config` may say; fields that no rule names are the worker's own."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from contracts.definitions import StepDraft
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import FLAG, NUMBER, TEXTS, Rule, broken, is_number, is_whole

TRIGGER = "on_previous_completion"
"""The default, and the only one: the step begins when the steps before it are over."""
_DAY = 24 * 3600
_MOST_RETRIES = 100
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_RULES: dict[str, Rule] = {
    "trigger": (
        lambda value: value == TRIGGER,
        f"must be {TRIGGER}: an automated step begins when the steps before it are over",
    ),
    "retry_attempts": (
        lambda value: is_whole(value) and 0 <= value <= _MOST_RETRIES,
        f"must be a whole number from 0 to {_MOST_RETRIES}",
    ),
    "timeout_seconds": (
        lambda value: is_number(value) and 0 < value <= _DAY,
        f"must be a number above 0, {_DAY} at most",
    ),
    "lease_seconds": (
        lambda value: is_number(value) and 1 <= value <= _DAY,
        f"must be a number from 1 to {_DAY}",
    ),
    "fallback_to_manual": FLAG,
    "auto_approve_limit": NUMBER,
    "sensitive_fields": TEXTS,
}
FIELDS = frozenset({*_RULES, "api_endpoint"})


def faults(step: StepDraft, path: str) -> Iterator[Fault]:
    config, where = step.automation_config or {}, f"{path}.automation_config"
    yield from broken(_RULES, config, where)
    endpoint = config.get("api_endpoint")
    reason = _endpoint_fault(endpoint) if endpoint is not None else None
    if reason is not None:
        yield invalid(f"{where}.api_endpoint", endpoint, f"api_endpoint {reason}")


def is_absolute(endpoint: str) -> bool:
    return _SCHEME.match(endpoint) is not None


def _endpoint_fault(endpoint: Any) -> str | None:
    """Told here, so that it is not found by a run. What may be called is the automation service's to decide."""
    if not isinstance(endpoint, str) or not endpoint:
        return "must be a text"
    if any(ord(c) <= 32 or ord(c) == 127 for c in endpoint) or "\\" in endpoint:
        return "must hold no blank, control character or backslash"
    if is_absolute(endpoint):
        return _absolute_fault(endpoint)
    if not endpoint.startswith("/") or endpoint.startswith("//"):
        return "must begin with one '/', or be an absolute http or https address"
    if ".." in unquote(unquote(endpoint.partition("?")[0])).split("/"):
        return "must have no '..' in its path"
    return None


def _absolute_fault(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return "is no valid address"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must begin with one '/', or be an absolute http or https address"
    if parts.username is not None or parts.password is not None:
        return "must carry no user and no password"
    return None
