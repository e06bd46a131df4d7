"""A definition made ready to be run: groups, edges and conditions, worked out once for each definition object."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from contracts.definitions import Condition, OnUnmet, PlaybookDefinition, StepDefinition
from services.run_engine.domain.loose import mapping, positive


@dataclass(frozen=True, slots=True)
class PlannedStep:
    definition: StepDefinition
    step_id: str
    sequence: int
    pre: tuple[Condition, ...]
    named: tuple[tuple[str, str | None], ...]
    """Steps that the pre-conditions name, with the status that they ask for: edges in place of the implicit one."""
    has_choice: bool
    """A named step stands in a group, so that the conditions may hold before all named steps have ended."""
    on_unmet: OnUnmet
    is_conditional: bool
    options: dict[str, dict[str, Any]]
    """The approval options, by action."""
    sla_hours: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    definition: PlaybookDefinition
    groups: tuple[tuple[PlannedStep, ...], ...]
    """Steps of one group start together; the next group waits for all of them."""
    by_id: dict[str, PlannedStep]
    has_edges: bool

    @property
    def steps(self) -> Iterator[PlannedStep]:
        return iter(self.by_id.values())

    def at(self, sequence: Any) -> list[PlannedStep]:
        return [step for step in self.steps if step.sequence == sequence]


class _Same:
    """Equal to itself only: a definition as a key without comparing its content."""

    __slots__ = ("definition",)

    def __init__(self, definition: PlaybookDefinition) -> None:
        self.definition = definition

    def __hash__(self) -> int:
        return id(self.definition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.definition is self.definition


def plan_of(definition: PlaybookDefinition) -> Plan:
    return _plan(_Same(definition))


@lru_cache(maxsize=2048)
def _plan(key: _Same) -> Plan:
    definition = key.definition
    drafts = sorted(definition.steps, key=lambda step: (step.sequence, step.step_id))
    playbook_sla = positive(definition.metadata.get("sla_hours"))
    steps = [_planned(step, drafts, playbook_sla) for step in drafts]
    by_id = {step.step_id: step for step in steps}
    return Plan(definition, _groups(steps), by_id, any(step.named for step in steps))


def _planned(step: StepDefinition, others: list[StepDefinition], playbook_sla: float | None) -> PlannedStep:
    references = list(_references(step.conditions.pre))
    named = tuple(
        (other.step_id, reference.status)
        for reference in references
        for other in others
        if other.sequence == reference.step and other.step_id != step.step_id
    )
    return PlannedStep(
        definition=step,
        step_id=step.step_id,
        sequence=step.sequence,
        pre=tuple(step.conditions.pre),
        named=named,
        has_choice=any(reference not in step.conditions.pre for reference in references),
        on_unmet=step.conditions.on_unmet or ("block" if step.is_required else "skip"),
        is_conditional=is_conditional(step),
        options=_options(step),
        sla_hours=_own_sla(step) or playbook_sla,
    )


def is_conditional(step: StepDefinition) -> bool:
    return not step.is_required and bool(step.conditions.pre)


def _own_sla(step: StepDefinition) -> float | None:
    return positive(step.metadata.get("sla_hours")) or positive((step.model_extra or {}).get("sla_hours"))


def _options(step: StepDefinition) -> dict[str, dict[str, Any]]:
    options = step.metadata.get("approval_options")
    options = options if isinstance(options, list) else []
    return {str(mapping(option).get("action")): option for option in options if mapping(option).get("action")}


def _references(conditions: list[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        if condition.step is not None:
            yield condition
        yield from _references(condition.conditions or [])


def _groups(steps: list[PlannedStep]) -> tuple[tuple[PlannedStep, ...], ...]:
    groups: list[list[PlannedStep]] = []
    for step in steps:
        if groups and _together(groups[-1][-1], step):
            groups[-1].append(step)
        else:
            groups.append([step])
    return tuple(tuple(group) for group in groups)


def _together(left: PlannedStep, right: PlannedStep) -> bool:
    both_parallel = left.definition.parallel_allowed and right.definition.parallel_allowed
    return both_parallel or left.sequence == right.sequence
