"""Without a mail server and without a subscription nothing is read."""

from typing import Any

from contracts.topics import RUN_EVENTS
from services.notifier.consumers import EventConsumer
from services.notifier.mails import Mails
from services.notifier.main import build
from tests.infrastructure import Infrastructure
from tests.integration.notifier.conftest import notifier_settings


class Poisoned:
    """A record that must not be looked at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


async def test_nothing_is_read(infrastructure: Infrastructure) -> None:
    service = build(notifier_settings(infrastructure))
    (consumption,) = [c for c in service.consumers.consumptions if c.topic is RUN_EVENTS]
    await consumption._handle((Poisoned(), Poisoned()))
    await service.mongo.close()


async def test_an_event_that_tells_nobody_anything_is_skipped_by_its_header() -> None:
    class Headed:
        headers = (("type", b"DataUpdated"),)

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was read")

    class Unsubscribed:
        async def is_needed(self) -> bool:
            return False

    consumer = EventConsumer(Mails(None, None, None, lambda: None), Unsubscribed(), None)  # type: ignore[arg-type]
    await consumer.handle((Headed(),) * 500)
