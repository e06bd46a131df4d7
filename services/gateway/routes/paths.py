"""The paths of resources, and what a path and a query string name."""

import difflib
import re
from collections import Counter

from fastapi import Request

from services.gateway.owners import Params, not_found
from shared.http import invalid

PLAYBOOKS = "/api/v1/playbooks"
RUNS = "/api/v1/playbook-runs"
POLICIES = "/api/v1/policies"
CALENDARS = "/api/v1/calendars"
WEBHOOKS = "/api/v1/webhooks"
DELEGATIONS = "/api/v1/delegations"

MAX_IF_MATCH = 200
_ETAG = r'(?:W/)?"[^"]*"'
_ETAGS = re.compile(rf"\*|{_ETAG}(?:\s*,\s*{_ETAG})*")

_NUMBER = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,99}")


def known_query(request: Request) -> None:
    """Raises Refused (VALIDATION_ERROR) for parameters that there are not, or that are there twice.

    A filter that is misspelt must not let everything through.
    """
    if not request.scope["query_string"]:
        return
    known = request.scope["route"].query_names
    sent = Counter(name for name, _ in request.query_params.multi_items())
    problems = {name: _unknown(name, known) for name in sent if name not in known}
    problems |= {name: "Sent more than once" for name, count in sent.items() if name in known and count > 1}
    if problems:
        raise invalid(*({"field": name[:200], "reason": reason} for name, reason in problems.items()))


def _unknown(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"There is no such parameter; did you mean {near[0]}?"
    return f"There is no such parameter; there {'are: ' + ', '.join(sorted(known)) if known else 'is none'}"


def playbook_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no playbook's id."""
    return _id(request, "playbook_id", "Playbook")


def policy_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no policy's name."""
    return _id(request, "policy", "Policy")


def calendar_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no calendar's name."""
    return _id(request, "calendar", "Calendar")


def delegation_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no delegation's id."""
    return _id(request, "delegation_id", "Delegation")


def revision_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no revision's number."""
    value: str = request.path_params["revision"]
    if not _NUMBER.fullmatch(value):
        raise not_found("Revision", "revision", value[:200])
    return value


def run_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no run's id."""
    return _id(request, "run_id", "Run")


def step_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no step's id."""
    return _id(request, "step_id", "Step")


def webhook_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no webhook's id."""
    return _id(request, "webhook_id", "Webhook")


def delivery_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no delivery's id."""
    return _id(request, "delivery_id", "Delivery")


def flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or, as when left out, `false`. Raises Refused for anything else."""
    value = request.query_params.get(name, "false")
    if value not in ("true", "false"):
        raise invalid({"field": name, "value": value[:200], "reason": f"{name} is true or false"})
    return value == "true"


def if_match(request: Request) -> str | None:
    """Raises Refused (VALIDATION_ERROR) for what is no list of ETags, or a longer one than anybody needs."""
    value: str | None = request.headers.get("if-match")
    if value is not None and not (len(value) <= MAX_IF_MATCH and _ETAGS.fullmatch(value)):
        reason = f'An ETag such as "3", several with commas, or *; {MAX_IF_MATCH} characters at most'
        raise invalid({"field": "If-Match", "value": value[:MAX_IF_MATCH], "reason": reason})
    return value


def is_id(value: str) -> bool:
    return _ID.fullmatch(value) is not None


def query_of(request: Request, organization_id: str, *names: str) -> Params:
    """The organisation and those of the named query parameters that were sent, for the owner to check."""
    sent = request.query_params
    return [("organization_id", organization_id), *((name, sent[name]) for name in names if name in sent)]


def _id(request: Request, field: str, kind: str) -> str:
    value: str = request.path_params[field]
    if not is_id(value):
        raise not_found(kind, field, value[:200])
    return value
