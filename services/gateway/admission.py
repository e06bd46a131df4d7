"""Who may come in: token, organisation, permission; and the body that they bring."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from contracts.rejections import Code
from services.gateway.access_log import note_caller
from services.gateway.bodies import json_object, read_body
from services.gateway.routes.paths import known_query
from shared.auth import Identity, TokenVerifier
from shared.errors import Refused
from shared.http import invalid
from shared.json_names import says_all_once
from shared.json_values import storable


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request with a body that may go on to the check of its shape."""

    identity: Identity
    raw: bytes
    body: dict[str, Any]


class Admission:
    """The checks that every request passes, in the order of the reference: token, organisation, permission."""

    def __init__(self, verifier: TokenVerifier, max_body_bytes: int) -> None:
        self._verifier = verifier
        self._max_body_bytes = max_body_bytes

    def query(self, request: Request, permission: str) -> Identity:
        """Raises Refused: UNAUTHORIZED, ORGANIZATION_MISMATCH or FORBIDDEN."""
        identity = self._authenticated(request)
        require_permission(identity, permission)
        known_query(request)
        return identity

    async def command(self, request: Request, permission: str, *others: str) -> Admitted:
        """Admits a request with a body. Any of `others` does in place of `permission`.

        Raises Refused, also where the body is none that can be taken.
        """
        identity = self._authenticated(request)
        raw = await read_body(request, self._max_body_bytes)
        body = json_object(raw)
        _body_organization(identity, body)
        require_permission(identity, permission, *others)
        known_query(request)
        storable(body)
        says_all_once(raw, body)
        return Admitted(identity, raw, body)

    def bare_command(self, request: Request, permission: str) -> Admitted:
        """For commands whose path says it all: DELETE. A body is not read."""
        return Admitted(self.query(request, permission), b"", {})

    def _authenticated(self, request: Request) -> Identity:
        headers = request.headers
        identity = self._verifier.verify(headers.get("authorization"))
        note_caller(request.scope, identity)
        _same_organization(identity, "X-Organization-ID", headers.get("x-organization-id"))
        _same_organization(identity, "organization_id", request.query_params.get("organization_id"))
        return identity


def _body_organization(identity: Identity, body: dict[str, Any]) -> None:
    claimed = body.get("organization_id")
    if claimed is None or claimed == "":
        raise Refused(
            Code.ORGANIZATION_REQUIRED,
            "Organization ID is required for all operations",
            field="organization_id",
            reason="Multi-tenant isolation requires organization context",
        )
    if not isinstance(claimed, str):
        raise invalid({"field": "organization_id", "reason": "Input should be a valid string"})
    _same_organization(identity, "organization_id", claimed)


def _same_organization(identity: Identity, field: str, claimed: str | None) -> None:
    """The token's organisation is the one that counts; whatever else names one must name the same."""
    if claimed is not None and claimed != identity.organization_id:
        raise Refused(
            Code.ORGANIZATION_MISMATCH,
            "The organization is not the one of the token",
            field=field,
            value=claimed[:200],
            reason="The token, the body and X-Organization-ID must name the same organization",
        )


_GRANTED_BY_ROLE = {"playbook_admin": frozenset({"policy:read", "policy:update"})}
"""Beside what the token grants by name."""


def require_permission(identity: Identity, permission: str, *others: str) -> None:
    """Raises Refused (FORBIDDEN), which names `permission`, where the caller holds neither it nor any of `others`."""
    if any(_is_granted(identity, one) for one in (permission, *others)):
        return
    raise Refused(
        Code.FORBIDDEN,
        f"This needs the permission {permission}",
        field="permissions",
        required=permission,
        reason="The token does not grant it",
    )


def _is_granted(identity: Identity, permission: str) -> bool:
    by_role = (_GRANTED_BY_ROLE.get(role, frozenset()) for role in identity.caller.roles)
    return identity.may(permission) or any(permission in granted for granted in by_role)
