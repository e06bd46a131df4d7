"""A stack with three brokers, of this suite's own, whose brokers may be killed."""

from collections.abc import Iterator

import pytest

from tests import running_stack
from tests.running_stack import RunningStack

NODES = ("kafka-1", "kafka-2", "kafka-3")


@pytest.fixture(scope="session")
def three_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack.provide("embedded", tmp_path_factory.mktemp("three_brokers"), None, brokers=3) as running:
        yield running
