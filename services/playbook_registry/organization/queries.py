"""The registry's query endpoints about policies, for the gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from contracts.policies import DEFAULT_POLICIES, POLICIES
from contracts.rejections import Rejection
from services.playbook_registry.lists import PlaybookLists
from services.playbook_registry.organization.changes import checked, document_view, unknown
from services.playbook_registry.organization.store import DocumentStore, StoredDocument, etag_of
from services.playbook_registry.organization.trial import try_on_playbooks
from shared.errors import Refused
from shared.http import success
from shared.outcomes import Outcomes
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(store: DocumentStore, lists: PlaybookLists, outcomes: Outcomes) -> APIRouter:
    routes = APIRouter(prefix="/internal/policies")

    @routes.get("")
    async def policies(organization_id: str) -> Response:
        put = {document.kind: document for document in await store.all_current([organization_id])}
        return success({"policies": [_view(kind, put.get(kind)) for kind in POLICIES]})

    @routes.get("/{kind}")
    async def policy(kind: str, organization_id: str) -> Response:
        document = await store.current(organization_id, _known(kind))
        return success(_view(kind, document), headers={"ETag": etag_of(document.revision if document else 0)})

    @routes.get("/{kind}/history")
    async def history(
        kind: str, organization_id: str, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
    ) -> Response:
        page = await store.history(organization_id, _known(kind), cursor, limit)
        return success({"revisions": [document_view(document) for document in page.items], **page.about()})

    @routes.post("/{kind}/trial")
    async def trial(
        kind: str, organization_id: str, document: dict[str, Any], cursor: str | None = None, skip: bool = False
    ) -> Response:
        """The document, whole, and what it would mean for playbooks; with `skip` they are not looked at."""
        in_force = (await store.policies([organization_id]))[organization_id]
        tried = checked(_known(kind), document, in_force)
        if isinstance(tried, Rejection):
            raise Refused.because(tried)
        policies = in_force.model_copy(update={kind: tried})
        nothing = {"checked": 0, "violating": [], "next": None}
        playbooks = nothing if skip else await try_on_playbooks(lists, organization_id, policies, cursor)
        return success({"document": tried.model_dump(mode="json"), "playbooks": playbooks})

    @routes.get("/{kind}/commands/{command_id}")
    async def answer(kind: str, command_id: str, organization_id: str) -> Response:
        document = await store.put_by(organization_id, command_id)
        if document is not None and document.kind == kind:
            return success({"reply": {"result": document_view(document)}})
        reply = await outcomes.find_reply(organization_id, command_id)
        return success({"reply": reply.model_dump(mode="json") if reply is not None else None})

    return routes


def _known(kind: str) -> str:
    if kind not in POLICIES:
        raise Refused.because(unknown(kind))
    return kind


def _view(kind: str, document: StoredDocument | None) -> dict[str, Any]:
    """What is in force: what was put last, or the default."""
    if document is not None:
        return document_view(document)
    return {
        "policy": kind,
        "revision": 0,
        "is_default": True,
        "updated_at": None,
        "updated_by": None,
        "comment": None,
        "document": getattr(DEFAULT_POLICIES, kind).model_dump(mode="json"),
    }
