"""Without a mail server nothing is read, stored or claimed."""

from typing import Any

from services.notifier.consumers import EventConsumer
from services.notifier.main import build
from tests.infrastructure import Infrastructure
from tests.integration.notifier.conftest import notifier_settings


class Poisoned:
    """A record that must not be looked at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


async def test_nothing_is_read_and_nothing_is_to_be_done(infrastructure: Infrastructure) -> None:
    service = build(notifier_settings(infrastructure))
    (consumption,) = service.consumers.consumptions
    assert service.loops == []
    await consumption._handle((Poisoned(), Poisoned()))
    await service.mongo.close()


async def test_an_event_that_tells_nobody_anything_is_skipped_by_its_header() -> None:
    class Headed:
        headers = (("type", b"DataUpdated"),)

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was read")

    consumer = EventConsumer(None, None, True, lambda: None)  # type: ignore[arg-type]
    await consumer.handle((Headed(),) * 500)
