"""The registry's query endpoints, for the gateway."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response

from contracts.definitions import PlaybookDraft
from contracts.policies import OrganizationPolicies
from contracts.rejections import Code
from contracts.values import rfc3339
from services.playbook_registry.changes import smart_code_taken
from services.playbook_registry.domain.changes import changed_meanwhile, not_found
from services.playbook_registry.domain.faults import listed
from services.playbook_registry.domain.legible import what_else
from services.playbook_registry.domain.playbook import StoredPlaybook
from services.playbook_registry.domain.revisions import checked_view
from services.playbook_registry.domain.validation import TOLD, refusal
from services.playbook_registry.domain.warnings import warnings
from services.playbook_registry.lists import Filters, PlaybookLists
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.store import PlaybookStore
from shared.errors import Refused
from shared.http import success
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Word = Annotated[str | None, Query(min_length=1, max_length=200)]


def router(
    store: PlaybookStore, lists: PlaybookLists, documents: DocumentStore, has_base: Callable[[str], bool]
) -> APIRouter:
    routes = APIRouter(prefix="/internal/playbooks")

    @routes.get("")
    async def playbooks(
        organization_id: str,
        status: Literal["active", "archived"] | None = None,
        type: Word = None,
        category: Word = None,
        smart_code: Word = None,
        q: Word = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        filters = Filters(status, type, category, smart_code, q)
        page = await lists.page(organization_id, filters, cursor, limit)
        return success({"playbooks": [_outline(playbook) for playbook in page.items], **page.about()})

    @routes.post("/checks")
    async def checks(
        draft: PlaybookDraft, organization_id: str, playbook_id: str | None = None, if_match: str | None = None
    ) -> Response:
        """Whether the draft could become a playbook, or the next revision of `playbook_id`."""
        policies = (await documents.policies([organization_id]))[organization_id]
        await _check(store, draft, policies, organization_id, playbook_id, if_match)
        return success(checked_view(draft, warnings(draft, has_base=has_base(organization_id))))

    @routes.post("/faults")
    async def faults(draft: dict[str, Any], organization_id: str) -> Response:
        """What else is wrong with a draft whose shape the gateway has refused."""
        policies = (await documents.policies([organization_id]))[organization_id]
        return success({"errors": listed(what_else(draft, policies)[:TOLD])})

    @routes.post("/unknown")
    async def unknown(playbook_ids: Annotated[list[str], Body(embed=True)], organization_id: str) -> Response:
        """Returns those of the ids that are no playbook of the organization."""
        there = await store.existing(organization_id, playbook_ids)
        return success({"unknown": [playbook_id for playbook_id in playbook_ids if playbook_id not in there]})

    @routes.get("/{playbook_id}")
    async def playbook(playbook_id: str, organization_id: str) -> Response:
        found = await _found(store, organization_id, playbook_id)
        return success({**_view(found), "revisions": _history(found)}, headers={"ETag": found.etag})

    @routes.get("/{playbook_id}/commands/{command_id}")
    async def answer(playbook_id: str, command_id: str, organization_id: str) -> Response:
        found = await store.get(organization_id, playbook_id)
        reply = found.answer_of(command_id) if found is not None else None
        reply = reply or await store.outcomes.find_reply(organization_id, command_id)
        return success({"reply": reply.model_dump(mode="json") if reply is not None else None})

    @routes.get("/{playbook_id}/head")
    async def head(playbook_id: str, organization_id: str) -> Response:
        found = await store.head(organization_id, playbook_id)
        if found is None or found["status"] == "deleted":
            raise Refused.because(not_found(playbook_id))
        return success(found)

    @routes.get("/{playbook_id}/revisions/{revision}")
    async def revision_of(playbook_id: str, revision: int, organization_id: str) -> Response:
        found = await _found(store, organization_id, playbook_id)
        definition = await store.revision(found, revision)
        if definition is None:
            raise Refused(
                Code.NOT_FOUND,
                f"Playbook {playbook_id} has no revision {revision}",
                field="revision",
                value=revision,
            )
        return success(definition)

    return routes


async def _check(
    store: PlaybookStore,
    draft: PlaybookDraft,
    policies: OrganizationPolicies,
    organization_id: str,
    playbook_id: str | None,
    if_match: str | None,
) -> None:
    """Raises Refused for what the draft would be refused for."""
    if playbook_id is not None:
        found = await _found(store, organization_id, playbook_id)
        changed = changed_meanwhile(found, if_match)
        if changed is not None:
            raise Refused.because(changed)
    rejection = refusal(draft, policies)
    if rejection is not None:
        raise Refused.because(rejection)
    holder = (await store.holders([(organization_id, draft.smart_code)])).get((organization_id, draft.smart_code))
    if holder not in (None, playbook_id):
        raise Refused.because(smart_code_taken(draft.smart_code, holder))


async def _found(store: PlaybookStore, organization_id: str, playbook_id: str) -> StoredPlaybook:
    playbook = await store.get(organization_id, playbook_id)
    if playbook is None or playbook.status == "deleted":
        raise Refused.because(not_found(playbook_id))
    return playbook


def _view(playbook: StoredPlaybook) -> dict[str, Any]:
    return {
        **playbook.definition,
        "status": playbook.status,
        "updated_at": rfc3339(playbook.changed.at),
        "updated_by": playbook.changed.by,
        "metrics": playbook.metrics,
    }


def _outline(playbook: StoredPlaybook) -> dict[str, Any]:
    """As in a list: without the steps."""
    return {name: value for name, value in _view(playbook).items() if name != "steps"}


def _history(playbook: StoredPlaybook) -> list[dict[str, Any]]:
    return [
        {
            "revision": note.revision,
            "version": note.version,
            "created_at": rfc3339(note.created_at),
            "created_by": note.created_by,
        }
        for note in playbook.revisions
    ]
