"""Refusals that belong to nothing that is kept, such as of a run that never was: for who asks later how it came out."""

from collections.abc import Sequence
from datetime import timedelta

from pymongo import ASCENDING, IndexModel, UpdateOne

from contracts.replies import Reply
from shared import clock
from shared.messages import Message
from shared.mongo import Mongo, bulk_write

KEPT = timedelta(days=7)
INDEXES = [IndexModel([("at", ASCENDING)], name="kept_for_a_week", expireAfterSeconds=int(KEPT.total_seconds()))]


class Refusals:
    def __init__(self, mongo: Mongo) -> None:
        self._refusals = mongo.collection("refusals")

    async def keep(self, refused: Sequence[tuple[Message, Reply]]) -> None:
        """The first of a command stands."""
        await bulk_write(
            self._refusals,
            [
                UpdateOne(
                    {"_id": message.envelope.id},
                    {
                        "$setOnInsert": {
                            "organization_id": message.envelope.organization_id,
                            "reply": reply.model_dump_json(),
                            "at": clock.now(),
                        }
                    },
                    upsert=True,
                )
                for message, reply in refused
            ],
        )

    async def of(self, organization_id: str, command_id: str) -> Reply | None:
        kept = await self._refusals.find_one({"_id": command_id, "organization_id": organization_id})
        return Reply.model_validate_json(kept["reply"]) if kept else None
