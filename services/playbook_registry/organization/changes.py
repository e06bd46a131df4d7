"""Putting a document: checked against its kind and the others, written as the next revision, told, answered."""

from typing import Any

import orjson
from pydantic import ValidationError

from contracts.organization_documents import (
    OrganizationDocumentChanged,
    PutOrganizationDocument,
    document_key,
    local_key,
)
from contracts.policies import DOCUMENTS, POLICIES, OrganizationPolicies
from contracts.rejections import OTHER_BODY, Code, Rejection
from contracts.replies import Reply
from contracts.topics import POLICY_EVENTS
from contracts.values import Actor, Contract, is_matched, rfc3339
from services.playbook_registry.domain.organization_documents import refusal
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
        assert isinstance(command, PutOrganizationDocument)
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

    async def _decide(self, message: Message, command: PutOrganizationDocument) -> StoredDocument | Rejection:
        envelope = message.envelope
        before = await self._store.current(envelope.organization_id, command.kind, command.name)
        revision = before.revision if before else 0
        if command.if_match is not None and not is_matched(etag_of(revision), command.if_match):
            return _changed_meanwhile(command.kind, command.if_match, revision)
        in_force = (await self._store.policies([envelope.organization_id]))[envelope.organization_id]
        document = checked(command.kind, command.content, in_force)
        if isinstance(document, Rejection):
            return document
        return StoredDocument(
            organization_id=envelope.organization_id,
            kind=command.kind,
            name=command.name,
            revision=revision + 1,
            content=document.model_dump(mode="json"),
            at=max(clock.now(), before.at) if before else clock.now(),
            by=command.caller.id,
            comment=command.comment,
            command_id=envelope.id,
            fingerprint=envelope.fingerprint,
            correlation_id=envelope.correlation_id,
            traceparent=envelope.traceparent,
        )


def checked(kind: str, content: dict[str, Any], in_force: OrganizationPolicies) -> Contract | Rejection:
    """The document, with what it leaves out as it is by default, or all that is wrong with it."""
    model = DOCUMENTS.get(kind)
    if model is None:
        return unknown(kind)
    try:
        storable(content)
        document = model.model_validate_json(orjson.dumps(content), strict=True, extra="forbid")
    except Refused as refused:
        return refused.rejection
    except ValidationError as error:
        return validation_rejection(_as_sent(error))
    return refusal(document, in_force) or document


def unknown(kind: str) -> Rejection:
    details = {"field": "policy", "value": kind, "reason": "There is no such policy", "known": list(POLICIES)}
    return Rejection(code=Code.NOT_FOUND, message=f"Policy {kind} was not found", details=details)


def document_view(document: StoredDocument) -> dict[str, Any]:
    return {
        "policy" if document.kind in POLICIES else "kind": document.kind,
        "revision": document.revision,
        "is_default": False,
        "updated_at": rfc3339(document.at),
        "updated_by": document.by,
        "comment": document.comment,
        "document": dict(document.content),
    }


def changed_message(document: StoredDocument) -> OutgoingMessage:
    """The event of a revision: the same bytes however often it is published."""
    event = OrganizationDocumentChanged(
        at=document.at,
        actor=Actor(id=document.by),
        kind=document.kind,
        name=document.name,
        revision=document.revision,
        content=dict(document.content),
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


_TAGS = ("separate_steps", "four_eyes")


def _as_sent(error: ValidationError) -> list[dict[str, Any]]:
    """By the path that the client sent: pydantic names the member of a union too, and counts only sound items."""
    problems = error.errors(include_url=False, include_context=False)
    places = [problem["loc"] for problem in problems]
    return [
        {**problem, "loc": ("document", *(part for part in problem["loc"] if part not in _TAGS))}
        for problem in problems
        if problem["type"] != "too_short" or not any(_is_within(place, problem["loc"]) for place in places)
    ]


def _is_within(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer
