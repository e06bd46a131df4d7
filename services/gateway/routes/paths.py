"""What a path and a query string name."""

import re

from fastapi import Request

from services.gateway.owners import Params, not_found

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,99}")


def playbook_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no playbook's id."""
    return _id(request, "playbook_id", "Playbook")


def run_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no run's id."""
    return _id(request, "run_id", "Run")


def step_id_of(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no step's id."""
    return _id(request, "step_id", "Step")


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
