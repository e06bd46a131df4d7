"""The stack that all attacks share, and what the imported tests get in place of the local one's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import pytest

from tests.e2e.conftest import office, rest
from tests.e2e.test_other_producers import SOURCES
from tests.infrastructure import Infrastructure
from tests.running_stack import RunningStack
from tests.secured.certificates import Authority
from tests.secured.cluster import ADMIN, running, settings_of

__all__ = ["office", "rest"]
Stack = tuple[RunningStack, int]


@dataclass(frozen=True)
class Secured(Infrastructure):
    """The brokers as the super user sees them, so that what stops an attack is not an ACL."""

    authority: Authority

    @property
    def settings(self) -> dict[str, str]:
        return super().settings | settings_of(ADMIN, self.authority)


@pytest.fixture(scope="package")
def calling(
    authority: Authority, free_tcp_port_factory: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The stack, and the port of the endpoint that its automated steps call."""
    port = free_tcp_port_factory()
    settings = {
        "AUTOMATION_BASE_URLS": orjson.dumps({"*": f"http://127.0.0.1:{port}/hera"}).decode(),
        "AUTOMATION_IDLE_SECONDS": "0.1",
    }
    with running(tmp_path_factory.mktemp("secured"), authority, SOURCES, settings) as started:
        yield started, port


@pytest.fixture(scope="package")
def stack(calling: Stack) -> RunningStack:
    return calling[0]


@pytest.fixture(scope="package")
def infrastructure(stack: RunningStack, authority: Authority) -> Infrastructure:
    return Secured("given", stack.plan.addresses, authority)
