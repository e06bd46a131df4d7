"""Steps that wait for each other in a circle.

A step waits for every step before its group, unless its pre-conditions name steps: then for those instead. That would
be an edge for each pair, so each group boundary is a node of its own that waits for all steps before it.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from contracts.definitions import PlaybookDraft, StepDraft
from contracts.rejections import Code
from services.playbook_registry.domain.conditions import references
from services.playbook_registry.domain.faults import Fault
from services.playbook_registry.domain.revisions import in_order

Graph = Mapping[int, Sequence[int]]
"""By node, what it waits for. Steps are numbered from 0 in order of sequence, boundaries from -1 down."""


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    """One for each knot of circles: the shortest circle through its lowest step."""
    steps = in_order(draft.steps)
    graph = _waits(steps)
    open_nodes = _on_circles(graph)
    done: set[int] = set()
    for start in sorted(node for node in open_nodes if node >= 0):
        path = None if start in done else _shortest_circle(graph, start, open_nodes)
        if path is not None:
            done |= _reachable(graph, start, open_nodes)
            yield _fault([steps[node] for node in path if node >= 0])


def _fault(circle: list[StepDraft]) -> Fault:
    details = {
        "circular_path": [step.sequence for step in circle],
        "steps_involved": [step.name for step in circle[:-1]],
        "resolution": "Remove cyclic dependencies between steps",
    }
    return Fault(Code.CIRCULAR_DEPENDENCY, "Playbook contains circular step dependencies", details)


def groups(steps: Sequence[StepDraft]) -> list[list[int]]:
    """Indexes of the steps that start together: neighbours that all allow it, or that share their number."""
    found: list[list[int]] = []
    for index, step in enumerate(steps):
        before = steps[index - 1] if index else None
        if before is not None and (
            before.sequence == step.sequence or (before.parallel_allowed and step.parallel_allowed)
        ):
            found[-1].append(index)
        else:
            found.append([index])
    return found


def _waits(steps: Sequence[StepDraft]) -> dict[int, list[int]]:
    at: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        at.setdefault(step.sequence, []).append(index)
    graph: dict[int, list[int]] = {}
    for number, group in enumerate(groups(steps)):
        boundary = -1 - number
        for index in group:
            named = set(references(steps[index].conditions.pre))
            graph[index] = [i for sequence in sorted(named) for i in at.get(sequence, [])] if named else [boundary]
        graph[boundary - 1] = [*group, boundary]
    graph[-1] = []
    return graph


def _on_circles(graph: Graph) -> set[int]:
    """What is left when nodes that wait for nothing are taken away, again and again."""
    waiting = {node: len(needs) for node, needs in graph.items()}
    needed_by: dict[int, list[int]] = {node: [] for node in graph}
    for node, needs in graph.items():
        for need in needs:
            needed_by[need].append(node)
    free = [node for node, count in waiting.items() if not count]
    while free:
        for node in needed_by[free.pop()]:
            waiting[node] -= 1
            if not waiting[node]:
                free.append(node)
    return {node for node, count in waiting.items() if count}


def _shortest_circle(graph: Graph, start: int, among: set[int]) -> list[int] | None:
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for need in graph[node]:
            if need == start:
                return [*_path_to(node, start, came_from), start]
            if need in among and need not in came_from:
                came_from[need] = node
                queue.append(need)
    return None


def _path_to(node: int, start: int, came_from: Mapping[int, int]) -> list[int]:
    path = [node]
    while node != start:
        node = came_from[node]
        path.append(node)
    return path[::-1]


def _reachable(graph: Graph, start: int, among: set[int]) -> set[int]:
    found, queue = {start}, [start]
    while queue:
        new = [need for need in graph[queue.pop()] if need in among and need not in found]
        found.update(new)
        queue += new
    return found
