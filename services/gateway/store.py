"""Idempotency keys: who is at a request, and what it was answered; for a day, over all gateways."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from shared import clock
from shared.mongo import Document, ImpatientCollection, Mongo

KEPT = timedelta(hours=24)
IN_FLIGHT = timedelta(seconds=2)
"""For so long whoever comes second is asked to wait. After it they go to the owner of the answer, whose journal tells
repeats apart: a gateway that died costs its callers no more than this, one that is only slow does no harm."""
INDEXES = {
    "idempotency_keys": [
        IndexModel([("at", ASCENDING)], name="kept_for_a_day", expireAfterSeconds=int(KEPT.total_seconds()))
    ]
}
_ANSWER_SECONDS, _PAUSE_SECONDS = 2.0, 5.0
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """A definite one: 2xx or 4xx, with the headers that belong to it."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request that came before; no answer: it is under way."""

    fingerprint: str
    answer: FirstAnswer | None


class IdempotencyKeys:
    """`in_flight`: after this another request under the key may do what the first has not ended."""

    def __init__(self, mongo: Mongo, in_flight: timedelta = IN_FLIGHT) -> None:
        self._keys = ImpatientCollection(mongo.collection("idempotency_keys"), _ANSWER_SECONDS, _PAUSE_SECONDS)
        self._in_flight = in_flight

    async def has(self, command_id: str) -> bool:
        """Returns whether a request with this id came within the last day. Raises StoreFault as `claim` does."""
        return await self._keys.find_one({"_id": command_id}, {"_id": 1}) is not None

    async def claim(self, command_id: str, fingerprint: str) -> Known | None:
        """None: the request is ours to do. Raises StoreFault where MongoDB does not answer."""
        now = clock.now()
        try:
            await self._keys.insert_one({"_id": command_id, "fingerprint": fingerprint, "began": now, "at": now})
        except DuplicateKeyError:
            return await self._known(command_id, fingerprint, now)
        return None

    async def _known(self, command_id: str, fingerprint: str, now: datetime) -> Known | None:
        """A request that has been under way for too long is claimed anew; of those who try, one gets it."""
        found = await self._keys.find_one({"_id": command_id})
        if found is None:
            return None  # let go in this moment: the owner of the answer tells repeats apart
        in_flight = found["began"] > now - self._in_flight
        if "status" in found or in_flight or found["fingerprint"] != fingerprint:
            return Known(found["fingerprint"], _answer(found))
        taken = await self._keys.update_one(
            {"_id": command_id, "began": found["began"], "status": {"$exists": False}}, {"$set": {"began": now}}
        )
        return None if taken.modified_count else Known(found["fingerprint"], None)

    async def settle(self, command_id: str, answer: FirstAnswer) -> None:
        fields = {"status": answer.status, "body": answer.body, "headers": answer.headers}
        await self._keys.update_one({"_id": command_id}, {"$set": fields})

    async def leave_open(self, command_id: str, location: str | None = None) -> None:
        """The outcome is not known here: whoever asks again may ask the owner. `location` is what a 202 named."""
        accepted = {"accepted": location} if location is not None else {}
        await self._keys.update_one({"_id": command_id}, {"$set": {"began": _LONG_AGO, **accepted}})

    async def location(self, command_id: str) -> str | None:
        """Returns what the first 202 named, None if there was none. Raises StoreFault as `claim` does."""
        found = await self._keys.find_one({"_id": command_id}, {"accepted": 1})
        return found.get("accepted") if found is not None else None

    async def let_go(self, command_id: str) -> None:
        """Nothing was begun."""
        await self._keys.delete_one({"_id": command_id})


def _answer(found: Document) -> FirstAnswer | None:
    if "status" not in found:
        return None
    headers: dict[str, Any] = found["headers"]
    return FirstAnswer(found["status"], bytes(found["body"]), headers)
