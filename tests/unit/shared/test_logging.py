"""What a log says of an exception: kind and place, and no value that a caller sent."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog
from pydantic import BaseModel, ValidationError

from shared.cipher import BrokenSeal
from shared.logging import configure_logging
from shared.unspoken import Unspoken

SECRET = "ssn-123-45-6789"


@pytest.fixture(autouse=True)
def what_others_log_stays_theirs() -> Iterator[None]:
    """Loggers of modules are made at their first use and kept: later tests would write to this one's closed stdout."""
    root, structured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    with structlog.contextvars.bound_contextvars():
        yield
    structlog.contextvars.unbind_contextvars("service")
    structlog.configure(**structured)
    root.handlers[:] = handlers
    root.setLevel(level)


class _Shape(BaseModel):
    number: int


def _refused() -> None:
    _Shape.model_validate({"number": SECRET})


def _missed() -> None:
    known: dict[str, int] = {}
    try:
        known[SECRET]
    except KeyError as error:
        raise RuntimeError(f"no {SECRET}") from error


def _missed_while_it_failed() -> None:
    try:
        _refused()
    except ValidationError:
        int(SECRET)


def _by_structlog() -> None:
    structlog.get_logger().exception("surprise")


def _by_the_standard_library() -> None:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=True)


def _told(capsys: pytest.CaptureFixture[str], raises: Callable[[], None], says: Callable[[], None]) -> dict[str, Any]:
    configure_logging("test", "INFO")
    try:
        raises()
    except Exception:
        says()
    line: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return line


@pytest.mark.parametrize("says", [_by_structlog, _by_the_standard_library])
@pytest.mark.parametrize(
    ("raises", "kinds"),
    [
        (_refused, ["ValidationError"]),
        (_missed, ["RuntimeError", "KeyError"]),
        (_missed_while_it_failed, ["ValueError", "ValidationError"]),
    ],
)
def test_a_surprise_is_told_by_kind_and_place_without_the_values_in_its_words(
    capsys: pytest.CaptureFixture[str], raises: Callable[[], None], kinds: list[str], says: Callable[[], None]
) -> None:
    line = _told(capsys, raises, says)
    assert SECRET not in str(line)
    assert [part.splitlines()[-1] for part in line["exception"].split("\nIt came of:\n")] == kinds
    assert f"in {raises.__name__}" in line["exception"] and "test_logging.py" in line["exception"]


@pytest.mark.parametrize("error", [BrokenSeal("there is no key"), Unspoken("ValueError at forms.py:12")])
def test_words_that_hold_no_value_are_kept(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    def raises() -> None:
        raise error

    assert _told(capsys, raises, _by_structlog)["exception"].endswith(f"{type(error).__name__}: {error}")
