"""A service's settings on the tests' infrastructure, its query endpoints, and what a foreign producer may send it."""

from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import orjson

from contracts.topics import Topic
from shared.ids import new_id
from shared.messages import OutgoingMessage
from shared.service import Service
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure

S = TypeVar("S", bound=ServiceSettings)


def settings_on(infrastructure: Infrastructure, kind: type[S], **over: Any) -> S:
    """With a database of its own."""
    given = {name.lower(): value for name, value in infrastructure.settings.items()}
    prefix = new_id("test").replace("-", "")[:20]
    return kind.model_validate(given | {"database_prefix": prefix, "shutdown_seconds": 5} | over)


def client(service: Service) -> httpx.AsyncClient:
    """Asks the service's app; the service must be running."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(service.app), base_url=f"http://{service.name}", headers=service.token.headers
    )


Headers = list[tuple[str, bytes | None]]


def hostile_records(topic: Topic, known_type: str, marker: str) -> list[tuple[bytes | None, bytes | None, Headers]]:
    """Key, value and headers of records that are no messages of the topic; those with a value hold the marker."""
    plain: Headers = []
    no_key = None if topic.cleanup == "delete" else b""  # Kafka takes no record without a key on a compacted topic
    envelope: dict[str, Any] = {
        "id": marker, "type": known_type, "version": 1, "key": "k", "organization_id": "org", "correlation_id": "c",
        "time": "2024-01-01T00:00:00Z", "sequence": 1, "data": {},
    }  # fmt: skip
    changed: list[dict[str, Any]] = [
        {"type": "Nonsense"},
        {"type": "Reply" if topic.name != "gateway.replies" else "StartRun"},
        {"version": "one"},
        {"key": "another key"},
        {"time": "yesterday"},
        {"sequence": "first"},
        {"data": [1, 2]},
        {"organization_id": None},
    ]
    return [
        (b"k", f"{marker} is not JSON".encode(), plain),
        (b"\xff\xfe", b"\xff\xfe" + marker.encode(), plain),
        (no_key, orjson.dumps([marker]), [("type", None), ("x", b"\xff\xfe")]),
        (b"k", orjson.dumps(marker), [("type", None)]),
        *((b"k", orjson.dumps(envelope | change), plain) for change in changed),
        (no_key, orjson.dumps(envelope), plain),
    ]


@dataclass
class GivenRecord:
    """A record as a consumer gets it."""

    value: bytes | None
    key: bytes | None
    topic: str
    partition: int = 0
    offset: int = 0
    timestamp: int = 0

    @classmethod
    def of(cls, message: OutgoingMessage) -> "GivenRecord":
        return cls(message.value, message.key.encode(), message.topic)
