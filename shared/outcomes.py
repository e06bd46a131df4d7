"""Outcomes of commands that no document of their owner holds, or no longer: for callers who ask later or send again.

An owner keeps the outcome of a command with what the command changed. Refusals that change nothing, and outcomes that
make room for newer ones, are stored here for a week.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReplaceOne

from contracts.rejections import Code, Rejection, other_body
from contracts.replies import Reply
from contracts.topics import SIGNALS_OUTCOMES
from shared import clock
from shared.messages import Message
from shared.mongo import Document, Mongo, bulk_write

RETENTION = timedelta(days=7)
INDEXES = [IndexModel([("at", ASCENDING)], name="kept_for_a_week", expireAfterSeconds=int(RETENTION.total_seconds()))]
OUTCOME_EXPIRED = Rejection(
    code=Code.NOT_FOUND,
    message="The outcome of this operation is no longer kept",
    details={"field": "operation_id", "reason": f"Outcomes are kept for {RETENTION.days} days at least"},
)
COLLECTION = "refusals"
"""Refusals were all that it held once. The name stays, so that those of before an upgrade are found."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command was answered, and where in its log the command stood. Rows of before 0080 lack the place."""

    command_id: str
    organization_id: str
    reply_json: str
    fingerprint: str | None = None
    partition: int | None = None
    offset: int | None = None

    @classmethod
    def of(cls, message: Message, reply: Reply) -> "Outcome":
        envelope = message.envelope
        reply_json = reply.model_dump_json()
        return cls(
            envelope.id,
            envelope.organization_id,
            reply_json,
            envelope.fingerprint,
            message.partition,
            message.offset,
        )

    @property
    def reply(self) -> Reply:
        return Reply.model_validate_json(self.reply_json)

    def answer_again(self, message: Message) -> Reply | None:
        """Returns the first reply if it stands for this delivery of the command, None if it must be decided anew."""
        if message.envelope.organization_id != self.organization_id:
            return None
        envelope, address = message.envelope, message.envelope.reply_to
        return answer_repeat(
            self.reply,
            self.fingerprint,
            envelope.fingerprint,
            is_redelivery=(message.partition, message.offset) == (self.partition, self.offset),
            is_correctable=address is not None and address.topic == SIGNALS_OUTCOMES.name,
        )


def answer_repeat(
    first: Reply, first_fingerprint: str | None, fingerprint: str | None, *, is_redelivery: bool, is_correctable: bool
) -> Reply | None:
    """Returns what a command that comes again is answered: its first reply, or a conflict if it has another body.

    None: it must be decided anew, because it was refused and its sender may put it right under the same id
    (`is_correctable`), or because the refusal said nothing about the command. A redelivery is never decided anew.
    """
    refusal = first.rejection
    if not is_redelivery and refusal is not None and (is_correctable or not refusal.is_final):
        return None
    if first_fingerprint is not None and first_fingerprint != fingerprint:
        return Reply(rejection=other_body(first_fingerprint, fingerprint))
    return first if is_redelivery else first.model_copy(update={"replayed": True})


def refusals_of(answers: Iterable[tuple[Message, Reply]]) -> list[Outcome]:
    """Returns what must be stored of these answers, because no document of their owner holds a refusal.

    A conflict is the outcome of a repeat with another body, not of the command that had the key first.
    """
    return [
        Outcome.of(message, reply)
        for message, reply in answers
        if message.envelope.reply_to is not None
        and reply.rejection is not None
        and reply.rejection.code is not Code.IDEMPOTENCY_CONFLICT
    ]


class Outcomes:
    """The store of one service."""

    def __init__(self, mongo: Mongo) -> None:
        self._outcomes = mongo.collection(COLLECTION)

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        """Stores them in one write. The latest of a command replaces one that did not stand."""
        now = clock.now()
        rows = ({**_row(outcome), "at": now} for outcome in outcomes)
        await bulk_write(self._outcomes, [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])

    async def find_reply(self, organization_id: str, command_id: str) -> Reply | None:
        """Returns what the command was answered, None if nothing is stored of it."""
        found = await self.find(organization_id, command_id)
        return found.reply if found is not None else None

    async def find(self, organization_id: str, command_id: str) -> Outcome | None:
        found = (await self.load([command_id])).get(command_id)
        return found if found is not None and found.organization_id == organization_id else None

    async def load(self, command_ids: Collection[str]) -> dict[str, Outcome]:
        """Returns those that are stored, by command id, in one read."""
        if not command_ids:
            return {}
        found = self._outcomes.find({"_id": {"$in": list(command_ids)}})
        return {row["_id"]: _outcome(row) async for row in found}

    async def answer_again(self, message: Message) -> Reply | None:
        """Returns the first reply to a command that came before, None if it must be decided."""
        found = (await self.load([message.envelope.id])).get(message.envelope.id)
        return found.answer_again(message) if found is not None else None


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "_id": outcome.command_id,
        "organization_id": outcome.organization_id,
        "reply": outcome.reply_json,
        "fingerprint": outcome.fingerprint,
        "partition": outcome.partition,
        "offset": outcome.offset,
    }


def _outcome(row: Document) -> Outcome:
    return Outcome(
        row["_id"],
        row["organization_id"],
        row["reply"],
        row.get("fingerprint"),
        row.get("partition"),
        row.get("offset"),
    )
