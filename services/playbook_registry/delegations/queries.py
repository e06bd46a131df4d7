"""The registry's query endpoints about delegations, for the gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from services.playbook_registry.delegations.store import DelegationFilters, DelegationStore
from services.playbook_registry.domain.delegations import (
    StoredDelegation,
    created_view,
    delegation_view,
    not_found,
    revoked_view,
)
from shared import clock
from shared.errors import Refused
from shared.http import success
from shared.outcomes import Outcomes
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(store: DelegationStore, outcomes: Outcomes) -> APIRouter:
    routes = APIRouter(prefix="/internal/delegations")

    @routes.get("")
    async def delegations(
        organization_id: str,
        filters: Annotated[DelegationFilters, Depends()],
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        page, now = await store.page(organization_id, filters, cursor, limit), clock.now()
        return success({"delegations": [delegation_view(found, now) for found in page.items], **page.about()})

    @routes.get("/{delegation_id}")
    async def delegation(delegation_id: str, organization_id: str) -> Response:
        found = await store.get(organization_id, delegation_id)
        if found is None:
            raise Refused.because(not_found(delegation_id))
        return success(delegation_view(found, clock.now()))

    @routes.get("/{delegation_id}/commands/{command_id}")
    async def answer(delegation_id: str, command_id: str, organization_id: str) -> Response:
        reply = await outcomes.find_reply(organization_id, command_id)
        if reply is not None:
            return success({"reply": reply.model_dump(mode="json")})
        found = await store.get(organization_id, delegation_id)
        result = _answer(found, command_id) if found is not None else None
        return success({"reply": {"result": result} if result is not None else None})

    return routes


def _answer(delegation: StoredDelegation, command_id: str) -> dict[str, Any] | None:
    """Returns what the command was answered; None for one that neither created nor revoked it."""
    if command_id == delegation.revoked_with:
        return revoked_view(delegation)
    return created_view(delegation) if command_id == delegation.created_with else None
