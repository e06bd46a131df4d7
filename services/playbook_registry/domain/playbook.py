"""A playbook as it is kept: its current revision, what became of it, and the commands that it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.definitions import PlaybookStatus
from contracts.rejections import OTHER_BODY
from contracts.replies import Reply

ANSWERS_KEPT = 100
"""A playbook's document holds the answers to this many of its last changes at most."""
ANSWERS_LEFT = 50
"""So many stay when older ones move to the store of outcomes."""


@dataclass(frozen=True, slots=True)
class RevisionNote:
    """One line of a playbook's history."""

    revision: int
    version: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class TakenCommand:
    """A change that was made, with its answer."""

    command_id: str
    fingerprint: str | None
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LastChange:
    """What its event tells: the same however often it is published."""

    at: datetime
    by: str
    command_id: str
    correlation_id: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class StoredPlaybook:
    playbook_id: str
    organization_id: str
    smart_code: str
    status: PlaybookStatus
    revision: int
    created_at: datetime
    definition: Mapping[str, Any]
    """A PlaybookDefinition in JSON's types."""
    answer: Mapping[str, Any]
    """What the creating command was answered."""
    metrics: Mapping[str, Any]
    command_id: str
    """Of the command that created it."""
    fingerprint: str | None
    changed: LastChange
    written: int = 1
    """How often the document was written: guards the next write, and is the ETag."""
    revisions: tuple[RevisionNote, ...] = ()
    taken: tuple[TakenCommand, ...] = ()

    @property
    def command(self) -> tuple[str, str]:
        return self.organization_id, self.command_id

    @property
    def etag(self) -> str:
        return f'"{self.written}"'

    def answer_of(self, command_id: str) -> Reply | None:
        """What the command that created it, or one of the last that changed it, was answered."""
        if command_id == self.command_id:
            return Reply(result=dict(self.answer))
        taken = next((t for t in self.taken if t.command_id == command_id), None)
        return Reply(result=dict(taken.answer)) if taken else None

    def answer_again(self, command_id: str, fingerprint: str | None) -> Reply | None:
        """The first answer to a change that was made before; None for a new one."""
        taken = next((t for t in self.taken if t.command_id == command_id), None)
        if taken is None:
            return None
        if taken.fingerprint != fingerprint:
            return Reply(rejection=OTHER_BODY)
        return Reply(result=dict(taken.answer), replayed=True)
