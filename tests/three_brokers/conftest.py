"""A stack with three brokers, of this suite's own, whose brokers may be killed."""

from collections.abc import Generator, Iterator

import pytest

from tests import running_stack
from tests.running_stack import RunningStack

NODES = ("kafka-1", "kafka-2", "kafka-3")
LINES_SHOWN = 8
LINE_LENGTH = 240


@pytest.fixture(scope="session")
def three_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack.provide("embedded", tmp_path_factory.mktemp("three_brokers"), None, brokers=3) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of each program's log where a test fails: the folder is gone when somebody reads the report."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("three_brokers")
    if report.failed and stack:
        names = ("supervisord", *stack.plan.programs)
        report.sections += [(f"log of {name}", _end_of_log(stack, name)) for name in names]
    return report


def _end_of_log(stack: RunningStack, name: str) -> str:
    events = [line for line in stack.log(name).splitlines() if line[:1] in "{2" and "marked as failed" not in line]
    return "\n".join(line[:LINE_LENGTH] for line in events[-LINES_SHOWN:])
