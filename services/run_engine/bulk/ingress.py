"""Takes operations in: what is stored is done, whatever happens to the process that took it."""

from collections.abc import Callable, Mapping

from contracts.bulk import SignalRuns
from contracts.rejections import SET_ASIDE, other_body
from contracts.replies import Reply
from services.run_engine.bulk.store import BulkStore, Taken
from services.run_engine.sealing.signals import BulkSealing
from shared import clock
from shared.kafka import Batch, Parking, Publisher
from shared.messages import Message, Record, read, read_batch
from shared.replies import reply_message


class BulkIngress:
    """`wake` is called when there is something to do."""

    def __init__(
        self,
        store: BulkStore,
        publisher: Publisher,
        parking: Parking,
        wake: Callable[[], None],
        sealing: BulkSealing,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._parking = parking
        self._wake = wake
        self._sealing = sealing

    async def handle(self, records: Batch) -> None:
        messages, unreadable = read_batch(records)
        if unreadable:
            await self._parking.park(unreadable)
        taken = [(message, message.payload) for message in messages if isinstance(message.payload, SignalRuns)]
        await self._store.add([message for message, _ in taken])
        known = await self._store.load_stored({command.operation_id for _, command in taken})
        for _, command in taken:
            if known[command.operation_id].is_over:  # what was sent again was encrypted again
                await self._sealing.forget(command.signal)
        await self._answer([(message, _reply(message, command, known)) for message, command in taken])
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


def _reply(message: Message, command: SignalRuns, known: Mapping[str, Taken]) -> Reply:
    """The key of an operation stands for one body."""
    first, again = known[command.operation_id].fingerprint, message.envelope.fingerprint
    if first is not None and first != again:
        return Reply(rejection=other_body(first, again))
    return Reply(result={"operation": "accepted", "signal_type": command.signal.type})
