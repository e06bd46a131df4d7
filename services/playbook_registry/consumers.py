"""Commands to playbooks: a batch in, one write, then events, then replies.

A playbook's document keeps the command that made it and its answer. A command that comes again, redelivered or repeated
by the client, finds it there: its event is published and its answer given once more, whatever had been done before.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.commands import CreatePlaybook, PlaybookChange
from contracts.definitions import PlaybookDefinition
from contracts.events import PlaybookRegistered
from contracts.organization_documents import CreateDelegation, DocumentCommand, RevokeDelegation
from contracts.policies import OrganizationPolicies
from contracts.rejections import OTHER_BODY, SET_ASIDE, Code, Rejection
from contracts.replies import Reply
from contracts.topics import PLAYBOOK_EVENTS
from contracts.values import Actor
from services.playbook_registry.changes import Changes, smart_code_taken
from services.playbook_registry.delegations.changes import DelegationChanges, told
from services.playbook_registry.delegations.store import DelegationStore
from services.playbook_registry.domain.playbook import LastChange, RevisionNote, StoredPlaybook
from services.playbook_registry.domain.revisions import as_json, created_view, first_revision, metrics
from services.playbook_registry.domain.validation import refusal
from services.playbook_registry.domain.warnings import warnings
from services.playbook_registry.organization.changes import DocumentChanges, changed_message
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.store import CommandKey, PlaybookStore
from shared import clock
from shared.errors import Refused
from shared.json_values import storable
from shared.kafka import Batch, Parking, Publisher
from shared.messages import (
    Message,
    OutgoingMessage,
    Record,
    event_message,
    read,
    read_batch,
)
from shared.outcomes import refusals_of
from shared.replies import reply_message

_SURPRISE = Reply(rejection=SET_ASIDE)


@dataclass
class _Decided:
    """What the commands of a batch come to, as far as the database allows it."""

    created: dict[CommandKey, StoredPlaybook] = field(default_factory=dict)
    creators: dict[CommandKey, int] = field(default_factory=dict)
    """Which message of the batch created it; the others of one command are repeats."""
    refused: dict[int, Rejection] = field(default_factory=dict)


class CommandConsumer:
    """Takes batches from registry.commands. Taking one twice changes nothing."""

    def __init__(
        self,
        store: PlaybookStore,
        documents: DocumentStore,
        delegations: DelegationStore,
        publisher: Publisher,
        parking: Parking,
        has_base: Callable[[str], bool],
    ) -> None:
        """`has_base`: whether a base address is configured for an organisation's automated calls."""
        self._store = store
        self._has_base = has_base
        self._policies = documents.policies
        self._changes = Changes(store, documents, has_base)
        self._documents = DocumentChanges(documents)
        self._delegations = DelegationChanges(delegations, store.outcomes)
        self._publisher = publisher
        self._parking = parking

    async def handle(self, records: Batch) -> None:
        messages, unreadable = read_batch(records)
        if unreadable:
            await self._parking.park(unreadable)
        for message in messages:  # first: what else comes with them is held to them
            if isinstance(message.payload, DocumentCommand):
                await self._once(message, self._put)
            elif isinstance(message.payload, CreateDelegation | RevokeDelegation):
                await self._once(message, self._delegate)
        creations = [message for message in messages if isinstance(message.payload, CreatePlaybook)]
        if creations:
            await self._take(creations)
        for message in messages:
            if isinstance(message.payload, PlaybookChange):
                await self._once(message, self._change)

    async def set_aside(self, record: Record, error: Exception) -> None:
        """A surprise stops one command, not the partition: it is parked, and the caller told."""
        await self._parking.set_aside(record, error)
        message = read(record)
        if isinstance(message, Message):
            await self._answer([(message, _SURPRISE)])

    async def _once(self, message: Message, decide: Callable[[Message], Awaitable[None]]) -> None:
        """Decides a command unless it was refused before: once its caller has been told so, it must not take effect."""
        first = await self._store.outcomes.answer_again(message)
        if first is None:
            await decide(message)
        else:
            await self._tell([(message, first)])

    async def _change(self, message: Message) -> None:
        reply, playbook = await self._changes.take(message)
        if playbook is not None:
            await self._publisher.publish([_registered(playbook)])
        await self._answer([(message, reply)])

    async def _put(self, message: Message) -> None:
        reply, document = await self._documents.take(message)
        if document is not None:
            await self._publisher.publish([changed_message(document)])
        await self._answer([(message, reply)])

    async def _delegate(self, message: Message) -> None:
        reply, delegation = await self._delegations.take(message)
        if delegation is not None:
            await self._publisher.publish([told(delegation, message)])
        await self._answer([(message, reply)])

    async def _answer(self, answers: Sequence[tuple[Message, Reply]]) -> None:
        await self._store.outcomes.save(refusals_of(answers))
        await self._tell(answers)

    async def _tell(self, answers: Sequence[tuple[Message, Reply]]) -> None:
        await self._publisher.publish(_reply_messages(answers, clock.now()))

    async def _take(self, messages: Sequence[Message]) -> None:
        """Creates playbooks, but for commands that were refused before."""
        stored = await self._store.outcomes.load({message.envelope.id for message in messages})
        undecided = []
        for message in messages:
            outcome = stored.get(message.envelope.id)
            first = outcome.answer_again(message) if outcome is not None else None
            if first is None:
                undecided.append(message)
            else:
                await self._tell([(message, first)])
        if undecided:
            await self._create(undecided)

    async def _create(self, messages: Sequence[Message]) -> None:
        now = clock.now()
        playbooks = await self._store.created_by({_key(message) for message in messages})
        policies = await self._policies({message.envelope.organization_id for message in messages})
        decided = _decide(messages, playbooks, policies, self._has_base, now)
        lost = await self._store.add(list(decided.created.values()))
        playbooks |= {key: playbook for key, playbook in decided.created.items() if key not in lost}
        playbooks |= await self._store.created_by(lost)  # written by another instance meanwhile
        losers = [decided.created[key] for key in lost if key not in playbooks]
        holders = await self._store.holders((p.organization_id, p.smart_code) for p in losers)
        conflicts = {p.command: _conflict(p, holders) for p in losers}
        replies = [_reply(i, message, decided, playbooks, conflicts) for i, message in enumerate(messages)]
        registered = [playbooks[key] for key in dict.fromkeys(map(_key, messages)) if key in playbooks]
        await self._publisher.publish([_registered(playbook) for playbook in registered])
        await self._answer(list(zip(messages, replies, strict=True)))


def _key(message: Message) -> CommandKey:
    return message.envelope.organization_id, message.envelope.id


def _decide(
    messages: Sequence[Message],
    known: Mapping[CommandKey, StoredPlaybook],
    policies: Mapping[str, OrganizationPolicies],
    has_base: Callable[[str], bool],
    now: datetime,
) -> _Decided:
    decided = _Decided()
    for index, message in enumerate(messages):
        key = _key(message)
        if key in known or key in decided.created:
            continue
        organization_id = message.envelope.organization_id
        outcome = _create(message, policies[organization_id], has_base(organization_id), now)
        if isinstance(outcome, Rejection):
            decided.refused[index] = outcome
        else:
            decided.created[key], decided.creators[key] = outcome, index
    return decided


def _create(
    message: Message, policies: OrganizationPolicies, has_base: bool, now: datetime
) -> StoredPlaybook | Rejection:
    command, envelope = message.payload, message.envelope
    assert isinstance(command, CreatePlaybook)
    if command.organization_id != envelope.organization_id or command.playbook_id != envelope.key:
        return Rejection(code=Code.ORGANIZATION_MISMATCH, message="The command and its envelope name different owners")
    try:
        storable(command.draft.model_dump(), "playbook")
    except Refused as refused:
        return refused.rejection
    rejection = refusal(command.draft, policies)
    if rejection is not None:
        return rejection
    definition = first_revision(command.draft, envelope.key, envelope.organization_id, now, command.caller.id)
    return StoredPlaybook(
        playbook_id=definition.playbook_id,
        organization_id=definition.organization_id,
        smart_code=definition.smart_code,
        status="active",
        revision=definition.revision,
        created_at=now,
        definition=as_json(definition),
        answer=created_view(definition, warnings(command.draft, has_base=has_base)),
        metrics=metrics(definition),
        command_id=envelope.id,
        fingerprint=envelope.fingerprint,
        changed=LastChange(now, command.caller.id, envelope.id, envelope.correlation_id, envelope.traceparent),
        revisions=(RevisionNote(definition.revision, definition.version, now, command.caller.id),),
    )


def _conflict(playbook: StoredPlaybook, holders: Mapping[tuple[str, str], str]) -> Rejection:
    holder = holders.get((playbook.organization_id, playbook.smart_code))
    if holder is None:
        details = {"field": "playbook_id", "value": playbook.playbook_id, "reason": "The id is taken"}
        return Rejection(code=Code.CONFLICT, message="A playbook with this id already exists", details=details)
    return smart_code_taken(playbook.smart_code, holder)


def _reply(
    index: int,
    message: Message,
    decided: _Decided,
    playbooks: Mapping[CommandKey, StoredPlaybook],
    conflicts: Mapping[CommandKey, Rejection],
) -> Reply:
    key = _key(message)
    if index in decided.refused:
        return Reply(rejection=decided.refused[index])
    if key in conflicts:
        return Reply(rejection=conflicts[key])
    playbook = playbooks[key]
    if playbook.fingerprint != message.envelope.fingerprint:
        return Reply(rejection=OTHER_BODY)
    is_first = playbook is decided.created.get(key) and decided.creators[key] == index
    return Reply(result=dict(playbook.answer), replayed=not is_first)


def _registered(playbook: StoredPlaybook) -> OutgoingMessage:
    """The event of the playbook's last change: the same bytes however often it is published."""
    changed = playbook.changed
    definition = PlaybookDefinition.model_validate(playbook.definition)
    event = PlaybookRegistered(at=changed.at, actor=Actor(id=changed.by), definition=definition, status=playbook.status)
    message, _ = event_message(
        PLAYBOOK_EVENTS.name,
        playbook.playbook_id,
        event,
        sequence=playbook.written,
        previous_hash=None,
        organization_id=playbook.organization_id,
        correlation_id=changed.correlation_id,
        causation_id=changed.command_id,
        time=changed.at,
        traceparent=changed.traceparent,
    )
    return message


def _reply_messages(answers: Iterable[tuple[Message, Reply]], now: datetime) -> list[OutgoingMessage]:
    return [out for message, reply in answers if (out := reply_message(message, reply, now)) is not None]
