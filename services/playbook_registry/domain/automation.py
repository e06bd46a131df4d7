"""What `automation_config` may say; fields that no rule names are the worker's own."""

import re
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from contracts.definitions import StepDraft
from contracts.playbook_metadata import AutomationConfig, CallAuth, fields_of
from contracts.secrets import NAME_PATTERN, AuthScheme
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
FIELDS, _AUTH = fields_of(AutomationConfig), fields_of(CallAuth)
_BELONGS_TO = {"user": "basic", "header": "header"}
"""Fields of `auth` that one scheme needs, and no other takes."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OUR_HEADERS = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "idempotency-key", "keep-alive", "te", "traceparent", "trailer", "transfer-encoding", "upgrade", "x-request-id",
})  # fmt: skip
"""Headers that the call sets itself, or that would change what is sent."""


def faults(step: StepDraft, path: str) -> Iterator[Fault]:
    config, where = step.automation_config or {}, f"{path}.automation_config"
    yield from broken(_RULES, config, where)
    endpoint = config.get("api_endpoint")
    reason = _endpoint_fault(endpoint) if endpoint is not None else None
    if reason is not None:
        yield invalid(f"{where}.api_endpoint", endpoint, f"api_endpoint {reason}")
    if config.get("auth") is not None:
        yield from _auth_faults(config["auth"], f"{where}.auth")


def _auth_faults(auth: Any, path: str) -> Iterator[Fault]:
    """No value is told: somebody may have written the secret itself here."""
    if not isinstance(auth, dict):
        yield invalid(path, None, 'auth must be an object such as {"scheme": "bearer", "secret": "crm_token"}')
        return
    for name in sorted(auth.keys() - _AUTH):
        yield invalid(f"{path}.{name[:200]}", None, f"Unknown field; auth has {', '.join(sorted(_AUTH))}")
    schemes = get_args(AuthScheme)
    if auth.get("scheme") not in schemes:
        yield invalid(f"{path}.scheme", None, f"scheme must be one of {', '.join(schemes)}")
    secret = auth.get("secret")
    if not isinstance(secret, str) or not re.fullmatch(NAME_PATTERN, secret):
        reason = "secret must be the name of a secret of the organization, such as crm_token, and not the secret itself"
        yield invalid(f"{path}.secret", None, reason)
    for name, scheme in _BELONGS_TO.items():
        yield from _belonging_faults(name, scheme, auth, path)


def _belonging_faults(name: str, scheme: str, auth: dict[str, Any], path: str) -> Iterator[Fault]:
    value = auth.get(name)
    if auth.get("scheme") != scheme:
        if value is not None:
            yield invalid(f"{path}.{name}", None, f"Only the scheme {scheme} takes {name}")
    elif not isinstance(value, str) or not _AUTH_RULES[name][0](value):
        yield invalid(f"{path}.{name}", None, f"{name} {_AUTH_RULES[name][1]}")


_AUTH_RULES: dict[str, Rule] = {
    "user": (
        lambda value: 0 < len(value) <= 200 and value.isascii() and value.isprintable() and ":" not in value,
        "must be 1 to 200 printable ASCII characters without a colon",
    ),
    "header": (
        lambda value: _HEADER.fullmatch(value) is not None and value.lower() not in _OUR_HEADERS,
        "must be the name of a header that the call does not set itself, such as X-Api-Key",
    ),
}


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
