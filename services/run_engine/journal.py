"""What a run remembers of the commands that it has taken, so that one that comes again changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.rejections import Code, Rejection, other_body
from contracts.replies import Reply
from shared.messages import OutgoingMessage

ANSWERS_KEPT = 32
"""So many of a run's last answers can be given again; of older commands only the id is kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command that was taken: where it stood in the log, what was published, what was answered."""

    command_id: str
    partition: int
    offset: int
    fingerprint: str | None
    messages: tuple[OutgoingMessage, ...]
    """Events and jobs, as bytes; emptied once the command can't be delivered again."""
    accepted: bool
    answer: bytes
    """The reply, as JSON: it is read again in rare cases only."""
    number: int = 0
    """Of the run's entries, in the order in which they were taken."""

    def reply(self) -> Reply:
        return Reply.model_validate_json(self.answer)


@dataclass(frozen=True, slots=True)
class Journal:
    entries: tuple[Entry, ...] = ()
    older: tuple[str, ...] = ()
    """Ids of the commands whose answers are no longer kept."""

    def find(self, command_id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.command_id == command_id), None)

    def answer_again(self, command_id: str, fingerprint: str | None, offset: int) -> Reply | None:
        """The first answer to a command that was taken before; None for a new one."""
        entry = self.find(command_id)
        if entry is None:
            return _GONE if command_id in self.older else None
        if entry.fingerprint is None and fingerprint is not None:
            if not entry.accepted and entry.offset != offset:
                return None  # a signal from Kafka that was refused: what comes again may have been put right
        elif entry.fingerprint != fingerprint:
            return Reply(rejection=other_body(entry.fingerprint, fingerprint))
        reply = entry.reply()
        return reply if entry.offset == offset else reply.model_copy(update={"replayed": True})

    def answer_of(self, command_id: str) -> Reply | None:
        """What the command was answered; None for one that was not taken."""
        entry = self.find(command_id)
        if entry is None:
            return _GONE if command_id in self.older else None
        return entry.reply()

    def add(self, entry: Entry) -> "Journal":
        """In place of what was refused under the same id."""
        others = [other for other in self.entries if other.command_id != entry.command_id]
        return Journal((*others, entry), self.older)

    @property
    def pending_bytes(self) -> int:
        """Of events and jobs that may have to be published again."""
        return sum(len(message.value) for entry in self.entries for message in entry.messages)

    @property
    def next_number(self) -> int:
        return self.entries[-1].number + 1 if self.entries else 0

    def pruned(self, committed: Mapping[int, int]) -> "Journal":
        """Without what can't come again: `committed` is, by partition, the offset below which nothing does."""
        if not any(e.messages or not e.accepted for e in self.entries if e.offset < committed.get(e.partition, 0)):
            return self._shortened(committed)
        kept = [
            replace(e, messages=()) if e.offset < committed.get(e.partition, 0) else e
            for e in self.entries
            if e.accepted or e.fingerprint or e.offset >= committed.get(e.partition, 0)
        ]
        return replace(self, entries=tuple(kept))._shortened(committed)

    def _shortened(self, committed: Mapping[int, int]) -> "Journal":
        surplus = len(self.entries) - ANSWERS_KEPT
        if surplus <= 0 or any(e.offset >= committed.get(e.partition, 0) for e in self.entries[:surplus]):
            return self
        ids = tuple(entry.command_id for entry in self.entries[:surplus])
        return Journal(self.entries[surplus:], self.older + ids)


_GONE = Reply(
    rejection=Rejection(
        code=Code.IDEMPOTENCY_CONFLICT,
        message="This command was carried out before; its answer is no longer kept",
        details={"reason": f"The answers to a run's last {ANSWERS_KEPT} commands are kept"},
    ),
    replayed=True,
)
