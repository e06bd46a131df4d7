"""Fixtures of all tests: the MongoDB and Kafka they run on, databases of their own, and the running services."""

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import hypothesis
import pymongo
import pytest

from tests import infrastructure as choosing
from tests import running_stack
from tests.infrastructure import Choice, Infrastructure
from tests.running_stack import RunningStack

hypothesis.settings.register_profile(
    "no_clock",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    phases=[
        phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain
    ],  # it takes minutes to say why
)
hypothesis.settings.load_profile("no_clock")
CHOICE = pytest.StashKey[Choice]()
NEEDS_INFRASTRUCTURE = {"infrastructure", "stack"}


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str:
    """Chosen, and said, only when a test needs it: looking for images may take its time."""
    if not any(NEEDS_INFRASTRUCTURE & set(getattr(item, "fixturenames", ())) for item in items):
        return "infrastructure: none of these tests needs any"
    config.stash[CHOICE] = choosing.choose()
    return str(config.stash[CHOICE])


@pytest.fixture(scope="session")
def infrastructure_choice(pytestconfig: pytest.Config) -> Choice:
    return pytestconfig.stash.get(CHOICE, None) or choosing.choose()


@pytest.fixture(scope="session")
def infrastructure(infrastructure_choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infrastructure]:
    """A real MongoDB replica set and a real broker with all topics."""
    folder = tmp_path_factory.mktemp("infrastructure")
    with choosing.provide(infrastructure_choice.kind, folder) as provided:
        yield provided


@pytest.fixture
def database_prefix(infrastructure: Infrastructure) -> Iterator[str]:
    """A DATABASE_PREFIX of this test's own; its databases are dropped at the end."""
    prefix = f"test_{uuid.uuid4().hex[:12]}"
    yield prefix
    _drop_databases(infrastructure.mongodb_uri, prefix)


@pytest.fixture(scope="session")
def stack(
    infrastructure_choice: Choice, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    """All seven services as processes; started once, for all tests that ask for it."""
    with provided_stack(infrastructure_choice, request, tmp_path_factory.mktemp("stack")) as running:
        yield running


@contextlib.contextmanager
def provided_stack(
    choice: Choice, request: pytest.FixtureRequest, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    """A stack that differs from the others' by these settings."""
    shared = None if choice.kind == "embedded" else request.getfixturevalue("infrastructure")
    with running_stack.provide(choice.kind, folder, shared, settings) as running:
        yield running
    if shared or choosing.given_mongodb():
        _drop_databases(running.mongodb_uri, running.database_prefix)


def _drop_databases(mongodb_uri: str, prefix: str) -> None:
    with pymongo.MongoClient[dict[str, object]](mongodb_uri, serverSelectionTimeoutMS=5000) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)
