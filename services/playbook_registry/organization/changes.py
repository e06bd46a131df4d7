"""Putting a document: checked against its kind and the others, written as the next revision, told, answered."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.organization_documents import (
    DeleteOrganizationDocument,
    DocumentCommand,
    OrganizationDocumentChanged,
    PutOrganizationDocument,
    document_key,
    local_key,
)
from contracts.policies import DOCUMENTS, POLICIES, SEVERAL, OrganizationPolicies
from contracts.rejections import OTHER_BODY, Code, Rejection
from contracts.replies import Reply
from contracts.topics import POLICY_EVENTS
from contracts.values import Actor, Contract, is_matched, rfc3339
from services.playbook_registry.domain.organization_documents import bad_name, completed, is_name, refusal
from services.playbook_registry.organization.store import DocumentStore, StoredDocument, etag_of
from shared import clock
from shared.errors import Refused
from shared.http import validation_rejection
from shared.json_values import storable
from shared.messages import Message, OutgoingMessage, event_message


class DocumentChanges:
    """Taking a command twice changes nothing: each revision names the command that put it."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def take(self, message: Message) -> tuple[Reply, StoredDocument | None]:
        """The answer, and the document whose event is to be published with it."""
        command, envelope = message.payload, message.envelope
        assert isinstance(command, DocumentCommand)
        if command.organization_id != envelope.organization_id or local_key(command.kind, command.name) != envelope.key:
            return Reply(rejection=_MISADDRESSED), None
        while True:
            known = await self._store.put_by(envelope.organization_id, envelope.id)
            if known is not None:
                return _again(known, envelope.fingerprint), known
            outcome = await self._decide(message, command)
            if isinstance(outcome, Rejection):
                return Reply(rejection=outcome), None
            if await self._store.add(outcome):
                return Reply(result=document_view(outcome)), outcome

    async def _decide(self, message: Message, command: DocumentCommand) -> StoredDocument | Rejection:
        envelope = message.envelope
        before = await self._store.current(envelope.organization_id, command.kind, command.name)
        revision = before.revision if before else 0
        if isinstance(command, DeleteOrganizationDocument) and (before is None or before.deleted):
            return unknown(command.kind, command.name)
        if command.if_match is not None and not is_matched(etag_of(revision), command.if_match):
            return _changed_meanwhile(command.name or command.kind, command.if_match, revision)
        content = await self._content(command, envelope.organization_id, before)
        if isinstance(content, Rejection):
            return content
        return StoredDocument(
            organization_id=envelope.organization_id,
            kind=command.kind,
            name=command.name,
            revision=revision + 1,
            content=content,
            deleted=isinstance(command, DeleteOrganizationDocument),
            at=max(clock.now(), before.at) if before else clock.now(),
            by=command.caller.id,
            comment=command.comment if isinstance(command, PutOrganizationDocument) else None,
            command_id=envelope.id,
            fingerprint=envelope.fingerprint,
            correlation_id=envelope.correlation_id,
            traceparent=envelope.traceparent,
        )

    async def _content(
        self, command: DocumentCommand, organization_id: str, before: StoredDocument | None
    ) -> Mapping[str, Any] | Rejection:
        if isinstance(command, DeleteOrganizationDocument):
            return before.content if before is not None else {}
        in_force = (await self._store.policies([organization_id]))[organization_id]
        document = checked(command.kind, command.content, in_force, command.name)
        return document if isinstance(document, Rejection) else document.model_dump(mode="json")


def checked(kind: str, content: dict[str, Any], in_force: OrganizationPolicies, name: str = "") -> Contract | Rejection:
    """The document, with what it leaves out as it is by default, or all that is wrong with it."""
    model = DOCUMENTS.get(kind)
    if model is None:
        return unknown(kind)
    if not is_name(kind, name):
        return bad_name(kind, name)
    try:
        storable(content)
        document = model.model_validate_json(orjson.dumps(content), strict=True, extra="forbid")
    except Refused as refused:
        return refused.rejection
    except ValidationError as error:
        return validation_rejection(_as_sent(error))
    rejection = refusal(document, in_force, name)
    return rejection or completed(document, clock.now())


def unknown(kind: str, name: str = "") -> Rejection:
    if kind in SEVERAL:
        message = f"{kind.capitalize()} {name} was not found"
        return Rejection(code=Code.NOT_FOUND, message=message, details={"field": kind, "value": name})
    details = {"field": "policy", "value": kind, "reason": "There is no such policy", "known": list(POLICIES)}
    return Rejection(code=Code.NOT_FOUND, message=f"Policy {kind} was not found", details=details)


def document_view(document: StoredDocument) -> dict[str, Any]:
    return {
        **({"policy": document.kind, "is_default": False} if document.kind in POLICIES else _named(document)),
        "revision": document.revision,
        "updated_at": rfc3339(document.at),
        "updated_by": document.by,
        "comment": document.comment,
        "document": dict(document.content),
    }


def _named(document: StoredDocument) -> dict[str, Any]:
    return {document.kind: document.name, "deleted": document.deleted}


def changed_message(document: StoredDocument) -> OutgoingMessage:
    """The event of a revision: the same bytes however often it is published."""
    event = OrganizationDocumentChanged(
        at=document.at,
        actor=Actor(id=document.by),
        kind=document.kind,
        name=document.name,
        revision=document.revision,
        content=dict(document.content),
        deleted=document.deleted,
    )
    message, _ = event_message(
        POLICY_EVENTS.name,
        document_key(document.organization_id, document.kind, document.name),
        event,
        sequence=document.revision,
        previous_hash=None,
        organization_id=document.organization_id,
        correlation_id=document.correlation_id,
        causation_id=document.command_id,
        time=document.at,
        traceparent=document.traceparent,
    )
    return message


_MISADDRESSED = Rejection(
    code=Code.ORGANIZATION_MISMATCH, message="The command and its envelope name different documents"
)


def _again(document: StoredDocument, fingerprint: str | None) -> Reply:
    if document.fingerprint != fingerprint:
        return Reply(rejection=OTHER_BODY)
    return Reply(result=document_view(document), replayed=True)


def _changed_meanwhile(kind: str, if_match: str, revision: int) -> Rejection:
    details = {
        "field": "If-Match",
        "value": if_match,
        "reason": "It was changed meanwhile: read it again and send its ETag",
        "current": etag_of(revision),
    }
    return Rejection(code=Code.CONFLICT, message=f"{kind} is at another ETag", details=details)


_TAGS = ("separate_steps", "four_eyes", "[key]")


def _as_sent(error: ValidationError) -> list[dict[str, Any]]:
    """By the path that the client sent: pydantic tells members of unions and keys too, and counts only sound items."""
    problems = error.errors(include_url=False)
    places = [problem["loc"] for problem in problems]
    return [
        {**problem, "loc": ("document", *(part for part in problem["loc"] if part not in _TAGS))}
        for problem in problems
        if problem["type"] != "too_short" or not any(_is_within(place, problem["loc"]) for place in places)
    ]


def _is_within(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer
