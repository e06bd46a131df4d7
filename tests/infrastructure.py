"""The one place where the tests' MongoDB and Kafka are chosen: given addresses, containers, or the embedded ones.

TEST_MONGODB_URI alone runs the tests on that MongoDB and the embedded Kafka; with TEST_KAFKA_BOOTSTRAP_SERVERS (and
TEST_KAFKA_BROKERS, 3 unless given) on that Kafka too.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from deploy.local import plan, stack
from deploy.local.folder import Folder
from deploy.local.plan import Addresses, Wishes
from deploy.topics import create_topics
from shared.service_token import ServiceToken

Kind = Literal["given", "containers", "embedded"]
GIVEN = ("TEST_MONGODB_URI", "TEST_KAFKA_BOOTSTRAP_SERVERS")
SERVICE_TOKEN = "what-the-services-of-the-tests-show-each-other"
TOKEN = ServiceToken(SecretStr(SERVICE_TOKEN))


@dataclass(frozen=True, slots=True)
class Choice:
    kind: Kind
    reason: str

    def __str__(self) -> str:
        return f"infrastructure: {self.kind} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """A MongoDB replica set, and a broker that has all topics."""

    kind: Kind
    addresses: Addresses

    @property
    def mongodb_uri(self) -> str:
        return self.addresses.mongodb_uri

    @property
    def bootstrap_servers(self) -> str:
        return self.addresses.kafka_bootstrap_servers

    @property
    def settings(self) -> dict[str, str]:
        """MONGODB_URI, SERVICE_TOKEN and the KAFKA_… variables, as a service gets them."""
        return plan.connection(self.addresses) | {"SERVICE_TOKEN": SERVICE_TOKEN}


def choose() -> Choice:
    """Looks for addresses, then for Docker and its images; quick when there is no Docker, bounded when there is."""
    mongodb, kafka = (bool(os.environ.get(name)) for name in GIVEN)
    if kafka and not mongodb:
        raise pytest.UsageError(f"{GIVEN[1]} is set and {GIVEN[0]} is not: set both, or neither, or {GIVEN[0]} alone.")
    if kafka:
        return Choice("given", ", ".join(GIVEN))
    if mongodb:
        return Choice("embedded", f"Kafka; MongoDB by {GIVEN[0]}")
    from tests import containers  # a second of imports that most runs do without

    unavailable = containers.why_unavailable()
    if unavailable is None:
        return Choice("containers", ", ".join(containers.images()))
    return Choice("embedded", unavailable)


@contextlib.contextmanager
def provide(kind: Kind, folder: Path) -> Iterator[Infrastructure]:
    """The chosen infrastructure, with its topics; what was started for it ends with the context."""
    match kind:
        case "given":
            yield _with_topics(Infrastructure(kind, _given_addresses()))
        case "containers":
            from tests import containers

            with containers.started() as addresses:
                yield _with_topics(Infrastructure(kind, addresses))
        case "embedded":
            with _embedded(Folder(folder)) as addresses:
                yield Infrastructure(kind, addresses)


@contextlib.contextmanager
def _embedded(folder: Folder) -> Iterator[Addresses]:
    started = stack.up(folder, Wishes(mongodb_uri=given_mongodb()), ("infrastructure",), report=lambda _: None)
    try:
        yield started.plan.addresses  # `started` holds the lifeline: a killed test run leaves nothing behind
    finally:
        stack.down(folder)


def _given_addresses() -> Addresses:
    mongodb_uri, bootstrap_servers = (os.environ[name] for name in GIVEN)
    brokers = int(os.environ.get("TEST_KAFKA_BROKERS") or "3")
    return Addresses(mongodb_uri=mongodb_uri, kafka_bootstrap_servers=bootstrap_servers, brokers=brokers)


def given_mongodb() -> str | None:
    """Returns the address of a MongoDB to use next to the embedded Kafka, such as one of a newer version."""
    return os.environ.get(GIVEN[0]) or None


def _with_topics(infrastructure: Infrastructure) -> Infrastructure:
    asyncio.run(create_topics(infrastructure.settings))
    return infrastructure
