"""Takes operations in: what is stored is done, whatever happens to the process that took it."""

from collections.abc import Callable

from contracts.bulk import SignalRuns
from contracts.rejections import SET_ASIDE
from contracts.replies import Reply
from services.run_engine.bulk.store import BulkStore
from shared import clock
from shared.kafka import Batch, Parking, Publisher
from shared.messages import Message, Record, read, read_batch
from shared.replies import reply_message


class BulkIngress:
    """`wake` is called when there is something to do."""

    def __init__(self, store: BulkStore, publisher: Publisher, parking: Parking, wake: Callable[[], None]) -> None:
        self._store = store
        self._publisher = publisher
        self._parking = parking
        self._wake = wake

    async def handle(self, records: Batch) -> None:
        messages, unreadable = read_batch(records)
        if unreadable:
            await self._parking.park(unreadable)
        taken = [message for message in messages if isinstance(message.payload, SignalRuns)]
        await self._store.add(taken)
        await self._answer([(message, _accepted(message)) for message in taken])
        self._wake()

    async def set_aside(self, record: Record, error: Exception) -> None:
        await self._parking.set_aside(record, error)
        message = read(record)
        if isinstance(message, Message):
            await self._answer([(message, Reply(rejection=SET_ASIDE))])

    async def _answer(self, answers: list[tuple[Message, Reply]]) -> None:
        now = clock.now()
        outgoing = (reply_message(message, reply, now) for message, reply in answers)
        await self._publisher.publish([message for message in outgoing if message is not None])


def _accepted(message: Message) -> Reply:
    assert isinstance(message.payload, SignalRuns)
    return Reply(result={"operation": "accepted", "signal_type": message.payload.signal.type})
