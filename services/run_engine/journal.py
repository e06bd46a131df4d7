"""What a run remembers of the commands that it has taken, so that one that comes again changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.replies import Reply
from shared.messages import OutgoingMessage
from shared.outcomes import answer_repeat

ANSWERS_KEPT = 32
"""A run's document holds at most this many answers, besides those whose command can still be delivered again."""
ANSWERS_LEFT = 16
"""So many stay when older ones move to the store of outcomes: one write there serves as many commands as move."""


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
    has_caller: bool = True
    """Somebody may ask for its outcome, or send it again. Not so for timers, for what machines and services report, and
    for refused signals from Kafka, whose sender may put them right under the same id."""

    def reply(self) -> Reply:
        return Reply.model_validate_json(self.answer)

    def answer_again(self, fingerprint: str | None, offset: int) -> Reply | None:
        """Returns the first answer if it stands for this delivery, None if the command must be decided anew."""
        return answer_repeat(
            self.reply(),
            self.fingerprint,
            fingerprint,
            is_redelivery=self.offset == offset,
            is_correctable=self.fingerprint is None and fingerprint is not None,  # a signal from Kafka
        )


@dataclass(frozen=True, slots=True)
class Journal:
    entries: tuple[Entry, ...] = ()
    older: tuple[str, ...] = ()
    """Ids of commands whose entries have left the journal, and that must never be decided again."""

    def find(self, command_id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.command_id == command_id), None)

    def answer_again(self, command_id: str, fingerprint: str | None, offset: int) -> Reply | None:
        """Returns the first answer to a command that the journal holds and that need not be decided anew."""
        entry = self.find(command_id)
        return entry.answer_again(fingerprint, offset) if entry is not None else None

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

    def release_past(self, committed: Mapping[int, int]) -> "Journal":
        """Returns it without what can't be delivered again and nobody asks for: messages, refusals without a caller.

        `committed` is, by partition, the offset below which nothing is delivered again.
        """
        if not any(_is_past(e, committed) and (e.messages or _is_for_nobody(e)) for e in self.entries):
            return self
        kept = [
            replace(entry, messages=()) if _is_past(entry, committed) else entry
            for entry in self.entries
            if not (_is_past(entry, committed) and _is_for_nobody(entry))
        ]
        return replace(self, entries=tuple(kept))

    def surplus(self, committed: Mapping[int, int]) -> tuple[Entry, ...]:
        """Returns the oldest entries, once there are enough of them and none can be delivered again."""
        if len(self.entries) <= ANSWERS_KEPT:
            return ()
        oldest = self.entries[: len(self.entries) - ANSWERS_LEFT]
        return oldest if all(_is_past(entry, committed) for entry in oldest) else ()

    def without(self, oldest: tuple[Entry, ...]) -> "Journal":
        """Returns it without its oldest entries. Their ids stay, unless they were refused and are never sent again."""
        ids = (entry.command_id for entry in oldest if entry.accepted or entry.fingerprint is not None)
        return Journal(self.entries[len(oldest) :], (*self.older, *ids))


def _is_past(entry: Entry, committed: Mapping[int, int]) -> bool:
    return entry.offset < committed.get(entry.partition, 0)


def _is_for_nobody(entry: Entry) -> bool:
    return not entry.accepted and not entry.has_caller
