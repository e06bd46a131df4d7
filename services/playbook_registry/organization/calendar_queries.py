"""The registry's query endpoints about calendars, for the gateway."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Response

from contracts.calendars import KIND
from contracts.definitions import PlaybookDefinition
from services.playbook_registry.lists import Filters, PlaybookLists
from services.playbook_registry.organization.changes import document_view, unknown
from services.playbook_registry.organization.store import DocumentStore, etag_of
from shared.errors import Refused
from shared.http import success
from shared.outcomes import Outcomes
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

_ACTIVE = Filters(status="active")
_AT_ONCE = 500
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(store: DocumentStore, lists: PlaybookLists, outcomes: Outcomes) -> APIRouter:
    routes = APIRouter(prefix="/internal/calendars")

    @routes.get("")
    async def calendars(organization_id: str) -> Response:
        found = await store.all_current([organization_id], KIND)
        return success({"calendars": [document_view(document) for document in found]})

    @routes.get("/{name}")
    async def calendar(name: str, organization_id: str) -> Response:
        document = await store.current(organization_id, KIND, name)
        if document is None or document.deleted:
            raise Refused.because(unknown(KIND, name))
        return success(document_view(document), headers={"ETag": etag_of(document.revision)})

    @routes.get("/{name}/history")
    async def history(
        name: str, organization_id: str, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
    ) -> Response:
        if await store.current(organization_id, KIND, name) is None:
            raise Refused.because(unknown(KIND, name))
        page = await store.history(organization_id, KIND, cursor, limit, name)
        return success({"revisions": [document_view(document) for document in page.items], **page.about()})

    @routes.get("/{name}/playbooks")
    async def playbooks(name: str, organization_id: str) -> Response:
        """Active ones whose current revision names it."""
        document = await store.current(organization_id, KIND, name)
        if document is None or document.deleted:
            raise Refused.because(unknown(KIND, name))
        return success({"playbooks": [about async for about in _naming(lists, organization_id, name)]})

    @routes.get("/{name}/commands/{command_id}")
    async def answer(name: str, command_id: str, organization_id: str) -> Response:
        document = await store.put_by(organization_id, command_id)
        if document is not None and (document.kind, document.name) == (KIND, name):
            return success({"reply": {"result": document_view(document)}})
        reply = await outcomes.find_reply(organization_id, command_id)
        return success({"reply": reply.model_dump(mode="json") if reply is not None else None})

    return routes


async def _naming(lists: PlaybookLists, organization_id: str, calendar: str) -> AsyncIterator[dict[str, str]]:
    cursor: str | None = None
    while True:
        page = await lists.page(organization_id, _ACTIVE, cursor, _AT_ONCE)
        for playbook in page.items:
            definition = PlaybookDefinition.model_validate(playbook.definition)
            if calendar in definition.calendars:
                yield {"playbook_id": playbook.playbook_id, "name": definition.name}
        if page.next is None:
            return
        cursor = page.next
