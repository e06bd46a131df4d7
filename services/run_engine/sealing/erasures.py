"""Erasure of all of an organisation's encrypted values, told in the timeline of each run afterwards."""

import asyncio
import contextlib

from contracts import topics
from contracts.commands import EraseEncryptedData
from contracts.values import Caller, rfc3339
from services.run_engine.sealing.store import KeyStore
from shared import clock
from shared.ids import new_id, stable_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message
from shared.mongo import Document

REASON = "The organization's encrypted data was erased"
_AT_ONCE = 200
_IDLE_SECONDS = 2.0


class Erasures:
    """Its keys are destroyed at once. That each run's are too, and that its timeline says so, follows by itself."""

    def __init__(self, keys: KeyStore, publisher: Publisher) -> None:
        self._keys = keys
        self._publisher = publisher
        self._news = asyncio.Event()

    async def of_organization(self, organization_id: str, erased_by: str, command_id: str | None = None) -> Document:
        destroyed = await self._keys.destroy_organization(organization_id, erased_by, command_id)
        self._news.set()
        return {"organization_id": organization_id, "keys_destroyed": destroyed, "erased_at": rfc3339(clock.now())}

    async def round(self) -> None:
        """One round of the service's loop: all runs that are to be told are told, then the next news is awaited."""
        self._news.clear()
        while orphaned := await self._keys.orphaned(_AT_ONCE):
            await self._publisher.publish([_message(key) for key in orphaned])
            await self._keys.destroy(key["_id"] for key in orphaned)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._news.wait()


def _message(key: Document) -> OutgoingMessage:
    """The same command for the same key, however often it is looked at."""
    erased_by, key_id, run_id = key["destroyed_by"], key["_id"], key["run_id"]
    return command_message(
        topics.RUN_COMMANDS.name,
        run_id,
        EraseEncryptedData(caller=Caller(id=erased_by, permissions=("data:erase",)), key_ids=[key_id], reason=REASON),
        message_id=stable_id("cmd", "erase", key_id),
        organization_id=key["organization_id"],
        correlation_id=new_id("req"),
        time=clock.now(),
    )
