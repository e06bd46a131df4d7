"""Delegations are made and revoked: decided, written, told on policy.events, answered."""

from contracts.organization_documents import (
    CreateDelegation,
    OrganizationDocumentChanged,
    RevokeDelegation,
    document_key,
)
from contracts.policies import DELEGATION, Delegation
from contracts.rejections import OTHER_BODY, Code, Rejection
from contracts.replies import Reply
from contracts.topics import POLICY_EVENTS
from contracts.values import Actor
from services.playbook_registry.delegations.store import DelegationStore
from services.playbook_registry.domain.delegations import (
    StoredDelegation,
    created,
    created_view,
    delegation_view,
    not_found,
    revoked,
    revoked_view,
)
from shared import clock
from shared.messages import Message, OutgoingMessage, event_message
from shared.outcomes import Outcome, Outcomes

MAX_OPEN = 20
"""Of one delegator, that have not ended."""


class DelegationChanges:
    """Taking a command twice changes nothing: a delegation is made once and revoked once."""

    def __init__(self, store: DelegationStore, outcomes: Outcomes) -> None:
        self._store = store
        self._outcomes = outcomes

    async def take(self, message: Message) -> tuple[Reply, StoredDelegation | None]:
        """The answer, and the delegation whose event is to be published with it."""
        command, envelope = message.payload, message.envelope
        assert isinstance(command, CreateDelegation | RevokeDelegation)
        if command.organization_id != envelope.organization_id or command.delegation_id != envelope.key:
            return Reply(rejection=not_found(envelope.key)), None
        known = await self._store.get(envelope.organization_id, envelope.key)
        if isinstance(command, CreateDelegation):
            return await self._create(command, known, message)
        return await self._revoke(command, known, envelope.id)

    async def _create(
        self, command: CreateDelegation, known: StoredDelegation | None, message: Message
    ) -> tuple[Reply, StoredDelegation | None]:
        now, envelope = clock.now(), message.envelope
        if known is None:
            made = await self._too_many(command) or created(command, envelope.id, envelope.fingerprint, now)
            if isinstance(made, Rejection):
                return Reply(rejection=made), None
            if await self._store.add(made):
                return Reply(result=delegation_view(made, now)), made
            known = await self._store.get(command.organization_id, command.delegation_id)
        if known is None or known.fingerprint != envelope.fingerprint:
            return Reply(rejection=OTHER_BODY), None
        return Reply(result=created_view(known), replayed=True), known

    async def _too_many(self, command: CreateDelegation) -> Rejection | None:
        count = await self._store.open_ones(command.organization_id, command.delegator, clock.now())
        if count < MAX_OPEN:
            return None
        reason = f"{command.delegator} has {count} delegations that have not ended, and {MAX_OPEN} at most; revoke one"
        details = {"field": "delegation.delegator", "value": command.delegator, "reason": reason}
        return Rejection(code=Code.CONFLICT, message="Too many delegations", details=details)

    async def _revoke(
        self, command: RevokeDelegation, known: StoredDelegation | None, command_id: str
    ) -> tuple[Reply, StoredDelegation | None]:
        while known is not None:
            now = clock.now()
            if known.revoked_with == command_id:
                return Reply(result=revoked_view(known), replayed=True), known
            after = revoked(known, command, command_id, now)
            if isinstance(after, Rejection):
                return Reply(rejection=after), None
            await self._outcomes.save([_creation(known)])  # the revoked delegation no longer says how it was created
            if await self._store.revoke(after):
                return Reply(result=delegation_view(after, now)), after
            known = await self._store.get(command.organization_id, command.delegation_id)
        return Reply(rejection=not_found(command.delegation_id)), None


def _creation(delegation: StoredDelegation) -> Outcome:
    reply = Reply(result=created_view(delegation)).model_dump_json()
    return Outcome(delegation.created_with, delegation.organization_id, reply, delegation.fingerprint)


def told(delegation: StoredDelegation, message: Message) -> OutgoingMessage:
    """What has become of it; readers take each revision once."""
    at = delegation.revoked_at or delegation.created_at
    content = Delegation(
        delegator=delegation.delegator,
        substitute=delegation.substitute,
        roles=delegation.roles,
        delegator_roles=delegation.delegator_roles,
        starts_at=delegation.starts_at,
        ends_at=delegation.ends_at,
        reason=delegation.reason,
    )
    event = OrganizationDocumentChanged(
        at=at,
        actor=Actor(id=delegation.revoked_by or delegation.created_by),
        kind=DELEGATION,
        name=delegation.delegation_id,
        revision=delegation.revision,
        content=content.model_dump(mode="json"),
        ends_at=delegation.ends_at,
    )
    envelope = message.envelope
    outgoing, _ = event_message(
        POLICY_EVENTS.name,
        document_key(delegation.organization_id, DELEGATION, delegation.delegation_id),
        event,
        sequence=delegation.revision,
        previous_hash=None,
        organization_id=delegation.organization_id,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
        time=at,
        traceparent=envelope.traceparent,
    )
    return outgoing
