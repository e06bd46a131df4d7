"""Runs in memory: so many, and so many bytes."""

from typing import Any

from services.run_engine.execution import StoredRun
from services.run_engine.journal import Journal
from services.run_engine.remembered import RememberedRuns, weight
from tests.unit.run_engine.story import trial


def run(run_id: str, **data: Any) -> StoredRun:
    return StoredRun(run_id, trial({}, start={"initial_data": data}).state, Journal(), None, 0)


def test_the_least_recently_written_go_first() -> None:
    runs = RememberedRuns(2, 10**9)
    for name in ("a", "b", "a", "c"):
        runs.add(run(name))
    assert [runs.get(name) is not None for name in "abc"] == [True, False, True]
    runs.forget(["a"])
    assert runs.get("a") is None


def test_large_runs_make_room_by_their_size() -> None:
    large = run("large", x="x" * 100_000)
    assert weight(large) > 100_000
    runs = RememberedRuns(100, 150_000)
    runs.add(run("small"))
    runs.add(large)
    runs.add(run("large2", x="x" * 100_000))
    assert [runs.get(name) is not None for name in ("small", "large", "large2")] == [False, False, True]
    for _ in range(200):
        runs.add(run("small"))
    assert runs.get("large2") is not None, "what is written again is counted once"
