"""What the notifier reads: the events of runs, for e-mails and for webhooks."""

from contracts.events import RUN_EVENTS, Event
from services.notifier.mails import NOTIFYING, Mails
from services.notifier.webhooks.fan_out import FanOut
from shared.kafka import Batch, Parking
from shared.messages import Message, Record, Unreadable, read

_SILENT = frozenset(event.__name__.encode() for event in RUN_EVENTS if event not in NOTIFYING)


class EventConsumer:
    """Stores what is to be sent for each event; it is sent elsewhere.

    Where no mail server is configured and nobody has subscribed, nothing is read but the offsets, so that switching a
    channel on later does not tell of what is long past.
    """

    def __init__(self, mails: Mails | None, fan_out: FanOut, parking: Parking) -> None:
        self._mails = mails
        self._fan_out = fan_out
        self._parking = parking

    async def handle(self, records: Batch) -> None:
        is_subscribed = await self._fan_out.is_needed()
        if self._mails is None and not is_subscribed:
            return
        read_ones = [read(record) for record in records if is_subscribed or not _silent(record)]
        if not read_ones:
            return
        await self._parking.park([m for m in read_ones if isinstance(m, Unreadable)])
        messages = [m for m in read_ones if isinstance(m, Message) and isinstance(m.payload, Event)]
        if self._mails is not None:
            await self._mails.take(messages)
        if is_subscribed:
            await self._fan_out.take(messages)


def _silent(record: Record) -> bool:
    """By its header alone, without parsing. A header may be missing or hold anything; then the value says."""
    for name, value in getattr(record, "headers", None) or ():
        if name == "type":
            return value in _SILENT
    return False
