"""Steps that wait for each other in a circle."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.definitions import PlaybookDraft
from services.playbook_registry.domain import cycles
from tests.unit.playbook_registry.drafts import draft


def _after(*sequences: int) -> dict[str, Any]:
    return {"conditions": {"pre": [{"step": s, "status": "completed"} for s in sequences]}}


def _paths(playbook: PlaybookDraft) -> list[list[int]]:
    return [fault.details["circular_path"] for fault in cycles.faults(playbook)]


@pytest.mark.parametrize(
    ("steps", "paths"),
    [
        ([{}, {}, {}], []),
        ([{}, {}, _after(1)], []),
        ([_after(1)], [[1, 1]]),
        ([_after(2), {}], [[1, 2, 1]]),
        ([_after(3), {}, {}], [[1, 3, 1]]),
        ([_after(3), {}, _after(2)], [[1, 3, 2, 1]]),
        ([{}, _after(3), _after(2), _after(5), _after(4)], [[2, 3, 2], [4, 5, 4]]),
    ],
)
def test_finds_circles_over_explicit_and_implicit_edges(steps: list[dict[str, Any]], paths: list[list[int]]) -> None:
    assert _paths(draft(*steps)) == paths


def test_names_the_steps_of_the_circle() -> None:
    (fault,) = cycles.faults(draft({}, _after(3), _after(2)))
    assert fault.details["steps_involved"] == ["Step 2", "Step 3"]


def test_a_reference_deep_in_a_group_is_an_edge_too() -> None:
    nested = {"conditions": {"pre": [{"operator": "or", "conditions": [{"step": 2}, {"field": "a"}]}]}}
    assert _paths(draft(nested, {})) == [[1, 2, 1]]


def test_steps_of_one_group_do_not_wait_for_each_other() -> None:
    together = {"parallel_allowed": True}
    assert _paths(draft({}, {**together, **_after(3)}, {**together, **_after(1)}, {})) == []


@given(st.lists(st.lists(st.integers(1, 8), max_size=3), min_size=1, max_size=8))
def test_agrees_with_a_search_over_all_edges(named: list[list[int]]) -> None:
    size = len(named)
    edges = {
        i: {s for s in names if s <= size} if any(s <= size for s in names) else set(range(1, i))
        for i, names in enumerate(named, 1)
    }
    steps = [_after(*(s for s in names if s <= size)) for names in named]
    assert bool(_paths(draft(*steps))) == _has_circle(edges)


def _has_circle(edges: dict[int, set[int]]) -> bool:
    left = dict(edges)
    while True:
        free = [node for node, needs in left.items() if not needs & left.keys()]
        if not free:
            return bool(left)
        for node in free:
            del left[node]


def test_is_quick_on_the_worst_playbook() -> None:
    size = 500
    steps = [_after(*(s for s in (n + 1, n + 2) if s <= size)) for n in range(1, size)] + [_after(1)]
    began = time.process_time()
    assert len(_paths(draft(*steps))) == 1
    assert time.process_time() - began < 2
