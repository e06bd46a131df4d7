"""The one place where the tests' MongoDB and Kafka are chosen: given addresses, containers, or the embedded ones."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from deploy.local import plan, stack
from deploy.local.folder import Folder
from deploy.local.plan import Addresses, Wishes
from deploy.topics import create_topics
from shared.service_token import ServiceToken

Kind = Literal["given", "containers", "embedded"]
GIVEN = ("TEST_MONGODB_URI", "TEST_KAFKA_BOOTSTRAP_SERVERS")
PROFILES = ("embedded", "kafka")
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
    over: Mapping[str, str]
    """What differs from the profile."""

    @property
    def mongodb_uri(self) -> str:
        return self.addresses.mongodb_uri

    @property
    def bootstrap_servers(self) -> str:
        return self.addresses.kafka_bootstrap_servers

    @property
    def settings(self) -> dict[str, str]:
        """MONGODB_URI, SERVICE_TOKEN and the KAFKA_… variables, as a service gets them."""
        return plan.connection(self.addresses) | {"SERVICE_TOKEN": SERVICE_TOKEN} | dict(self.over)


def choose() -> Choice:
    """Looks for addresses, then for Docker and its images; quick when there is no Docker, bounded when there is."""
    given = [name for name in GIVEN if os.environ.get(name)]
    if given:
        missing = set(GIVEN) - set(given)
        if missing:
            raise ValueError(f"{given[0]} is set and {missing.pop()} is not: set both, or neither.")
        return Choice("given", ", ".join(given))
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
            yield _with_topics(Infrastructure(kind, _given_addresses(), {}))
        case "containers":
            from tests import containers

            with containers.started() as (addresses, over):
                yield _with_topics(Infrastructure(kind, addresses, over))
        case "embedded":
            with _embedded(Folder(folder)) as addresses:
                yield Infrastructure(kind, addresses, {})


@contextlib.contextmanager
def _embedded(folder: Folder) -> Iterator[Addresses]:
    started = stack.up(folder, Wishes(), ("infrastructure",), report=lambda _: None)
    try:
        yield started.plan.addresses  # `started` holds the lifeline: a killed test run leaves nothing behind
    finally:
        stack.down(folder)


def _given_addresses() -> Addresses:
    profile = os.environ.get("TEST_KAFKA_PROFILE") or "kafka"
    if profile not in PROFILES:
        raise ValueError(f"TEST_KAFKA_PROFILE is {profile!r}; it must be one of {', '.join(PROFILES)}.")
    mongodb_uri, bootstrap_servers = (os.environ[name] for name in GIVEN)
    return Addresses(mongodb_uri=mongodb_uri, kafka_bootstrap_servers=bootstrap_servers, profile=profile)


def _with_topics(infrastructure: Infrastructure) -> Infrastructure:
    asyncio.run(create_topics(infrastructure.settings))
    return infrastructure
