"""Changes of playbooks that are there, one after the other: read, decided, written under a guard, told, answered."""

from collections.abc import Callable
from dataclasses import replace

from contracts.commands import PlaybookChange, RevisePlaybook
from contracts.rejections import Code, Rejection
from contracts.replies import Reply
from services.playbook_registry.domain.changes import Changed, change, not_found
from services.playbook_registry.domain.playbook import LastChange, StoredPlaybook, TakenCommand
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.store import PlaybookStore, SmartCodeTaken
from shared import clock
from shared.errors import Refused
from shared.json_values import storable
from shared.messages import Message


class Changes:
    """Taking a command twice changes nothing: the playbook keeps the answers to its last changes."""

    def __init__(self, store: PlaybookStore, documents: DocumentStore, has_base: Callable[[str], bool]) -> None:
        self._store = store
        self._has_base = has_base
        self._policies = documents.policies

    async def take(self, message: Message) -> tuple[Reply, StoredPlaybook | None]:
        """The answer, and the playbook whose event is to be published with it."""
        envelope, command = message.envelope, message.payload
        assert isinstance(command, PlaybookChange)
        if command.organization_id != envelope.organization_id or command.playbook_id != envelope.key:
            return Reply(rejection=not_found(envelope.key)), None
        refused = _unstorable(command)
        if refused is not None:
            return Reply(rejection=refused), None
        while True:
            playbook = await self._store.get(envelope.organization_id, envelope.key)
            if playbook is None:
                return Reply(rejection=not_found(envelope.key)), None
            again = playbook.answer_again(envelope.id, envelope.fingerprint)
            if again is not None:
                return again, playbook
            answered = await self._try(playbook, command, message)
            if answered is not None:
                return answered

    async def _try(
        self, playbook: StoredPlaybook, command: PlaybookChange, message: Message
    ) -> tuple[Reply, StoredPlaybook | None] | None:
        """None where somebody else wrote it meanwhile."""
        envelope = message.envelope
        at = max(clock.now(), playbook.changed.at)
        by = LastChange(at, command.caller.id, envelope.id, envelope.correlation_id, envelope.traceparent)
        policies = await self._policies([envelope.organization_id])
        has_base = self._has_base(envelope.organization_id)
        outcome = change(playbook, command, policies[envelope.organization_id], by, has_base=has_base)
        if isinstance(outcome, Rejection):
            return Reply(rejection=outcome), None
        after = _noted(outcome, message)
        try:
            written = await self._store.change(playbook, after)
        except SmartCodeTaken:
            return Reply(rejection=await self._taken(after)), None
        return (Reply(result=outcome.answer), after) if written else None

    async def _taken(self, playbook: StoredPlaybook) -> Rejection:
        code = (playbook.organization_id, playbook.smart_code)
        return smart_code_taken(playbook.smart_code, (await self._store.holders([code])).get(code))


def smart_code_taken(smart_code: str, holder: str | None) -> Rejection:
    details = {
        "field": "playbook.smart_code",
        "value": smart_code,
        "reason": "Smart codes are unique within an organization",
        "playbook_id": holder,
    }
    return Rejection(code=Code.CONFLICT, message="A playbook with this smart code already exists", details=details)


def _unstorable(command: PlaybookChange) -> Rejection | None:
    try:
        storable(command.draft.model_dump() if isinstance(command, RevisePlaybook) else {}, "playbook")
    except Refused as refused:
        return refused.rejection
    return None


def _noted(outcome: Changed, message: Message) -> StoredPlaybook:
    playbook, envelope = outcome.playbook, message.envelope
    taken = TakenCommand(envelope.id, envelope.fingerprint, outcome.answer)
    return replace(playbook, taken=(*playbook.taken, taken))
