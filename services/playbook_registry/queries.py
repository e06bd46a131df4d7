"""The registry's query endpoints, for the gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from contracts.definitions import PlaybookStatus
from contracts.rejections import Code
from services.playbook_registry.store import PlaybookStore, StoredPlaybook
from shared.errors import Refused
from shared.http import success
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(store: PlaybookStore) -> APIRouter:
    routes = APIRouter(prefix="/internal/playbooks")

    @routes.get("")
    async def playbooks(
        organization_id: str,
        status: PlaybookStatus | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        page = await store.page(organization_id, status, cursor, limit)
        return success({"playbooks": [_outline(p) for p in page.items], "next": page.next, "total": page.total})

    @routes.get("/{playbook_id}")
    async def playbook(playbook_id: str, organization_id: str) -> Response:
        return success(_view(await _found(store, organization_id, playbook_id)))

    @routes.get("/{playbook_id}/head")
    async def head(playbook_id: str, organization_id: str) -> Response:
        found = await store.head(organization_id, playbook_id)
        if found is None:
            raise _not_found(playbook_id)
        return success(found)

    @routes.get("/{playbook_id}/revisions/{revision}")
    async def revision_of(playbook_id: str, revision: int, organization_id: str) -> Response:
        found = await _found(store, organization_id, playbook_id)
        if found.revision != revision:
            raise Refused(
                Code.NOT_FOUND,
                f"Playbook {playbook_id} has no revision {revision}",
                field="revision",
                value=revision,
            )
        return success(found.definition)

    return routes


async def _found(store: PlaybookStore, organization_id: str, playbook_id: str) -> StoredPlaybook:
    playbook = await store.get(organization_id, playbook_id)
    if playbook is None:
        raise _not_found(playbook_id)
    return playbook


def _not_found(playbook_id: str) -> Refused:
    return Refused(Code.NOT_FOUND, f"Playbook {playbook_id} was not found", field="playbook_id", value=playbook_id)


def _view(playbook: StoredPlaybook) -> dict[str, Any]:
    return {**playbook.definition, "status": playbook.status, "metrics": playbook.answer["metrics"]}


def _outline(playbook: StoredPlaybook) -> dict[str, Any]:
    """As in a list: without the steps."""
    return {name: value for name, value in _view(playbook).items() if name != "steps"}
