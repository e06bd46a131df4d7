"""A definition made ready to be run: groups, edges and conditions, worked out once for each definition object."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from contracts.definitions import Condition, OnUnmet, PlaybookDefinition, StepDefinition
from services.run_engine.domain.identity import Same
from services.run_engine.domain.loose import is_number, items, mapping, positive, span, text, texts
from services.run_engine.domain.sizes import json_bytes

Edge = tuple[int, str | None]
"""A sequence number, and the status that all its steps are to have; ended steps will do in its place."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    definition: StepDefinition
    step_id: str
    sequence: int
    pre: tuple[Condition, ...]
    named: tuple[Edge, ...]
    """Steps that the pre-conditions name, with the status that they ask for: edges in place of the implicit one."""
    roles: tuple[str, ...]
    """Who may act on it when it starts: its `assignee_roles`, and those that its approval matrix asks for."""
    asks_several: bool
    """An approval that one voice does not decide: it is nobody's own for want of a role."""
    amount_field: str | None
    """Which amount the approval matrix goes by; None where nothing says so, or the field is encrypted."""
    has_choice: bool
    """A named step stands in a group, so that the conditions may hold before all named steps have ended."""
    on_unmet: OnUnmet
    is_conditional: bool
    options: dict[str, dict[str, Any]]
    """The approval options, by action."""
    sla_hours: float | None
    calendar: str | None
    """Of its dates: the step's own, else the playbook's."""
    reminders: tuple[timedelta, ...]
    """How long before its due date: its own, else the playbook's."""
    auto_escalation: tuple[str, ...]
    """Added once it is overdue: of a step without an escalation, where its playbook escalates by itself."""
    shown_bytes: int
    """Of what its definition shows to whoever works on it, in JSON."""


@dataclass(frozen=True, slots=True)
class Plan:
    definition: PlaybookDefinition
    groups: tuple[tuple[PlannedStep, ...], ...]
    """Steps of one group start together; the next group waits for all of them."""
    by_id: dict[str, PlannedStep]
    group_of: dict[str, int]
    """By step id, the number of its group, from 0."""
    ids_at: Mapping[int, Sequence[str]]
    """By sequence number, the ids of its steps."""
    has_edges: bool
    looks_at_steps: bool
    """Whether what becomes of one step may let another one start that was looked at before."""

    @property
    def steps(self) -> Iterator[PlannedStep]:
        return iter(self.by_id.values())

    def at(self, sequence: Any) -> list[PlannedStep]:
        ids = self.ids_at.get(sequence, ()) if isinstance(sequence, int) else ()
        return [self.by_id[step_id] for step_id in ids]


def plan_of(definition: PlaybookDefinition) -> Plan:
    return _plan(Same(definition))


@lru_cache(maxsize=2048)
def _plan(key: Same[PlaybookDefinition]) -> Plan:
    definition = key.value
    drafts = sorted(definition.steps, key=lambda step: step.sequence)  # those of one sequence stay in their order
    at: dict[int, list[str]] = {}
    for step in drafts:
        at.setdefault(step.sequence, []).append(step.step_id)
    steps = [_planned(step, at, drafts, definition) for step in drafts]
    by_id = {step.step_id: step for step in steps}
    groups = _groups(steps)
    group_of = {step.step_id: number for number, group in enumerate(groups) for step in group}
    has_edges = any(step.named for step in steps)
    looks_at_steps = has_edges or any(map(_looks_at_steps, definition.steps))
    return Plan(definition, groups, by_id, group_of, at, has_edges, looks_at_steps)


def _looks_at_steps(step: StepDefinition) -> bool:
    return any((condition.field or "").startswith("steps.") for condition in every(step.conditions.pre))


def _planned(
    step: StepDefinition, at: Mapping[int, Sequence[str]], others: list[StepDefinition], whole: PlaybookDefinition
) -> PlannedStep:
    playbook = whole.metadata
    references = [condition for condition in every(step.conditions.pre) if condition.step is not None]
    edges = ((reference.step, reference.status) for reference in references if reference.step is not None)
    named = tuple(dict.fromkeys((sequence, status) for sequence, status in edges if sequence in at))
    return PlannedStep(
        definition=step,
        step_id=step.step_id,
        sequence=step.sequence,
        pre=tuple(step.conditions.pre),
        named=named,
        roles=_roles(step),
        asks_several=_asks_several(step),
        amount_field=_amount_field(step, whole.encrypted_fields),
        has_choice=any(reference not in step.conditions.pre for reference in references),
        on_unmet=step.conditions.on_unmet or ("block" if step.is_required else "skip"),
        is_conditional=is_conditional(step),
        options=_options(step),
        sla_hours=_own_sla(step) or positive(playbook.get("sla_hours")),
        calendar=text(step.metadata.get("calendar")) or text(playbook.get("calendar")),
        reminders=_reminders(step.metadata.get("reminders", playbook.get("reminders"))),
        auto_escalation=_auto_escalation(step, others, playbook),
        shown_bytes=json_bytes(step.metadata),
    )


def _reminders(reminders: Any) -> tuple[timedelta, ...]:
    found = (_before(mapping(reminder)) for reminder in items(reminders))
    return tuple(before for before in found if before is not None)


def _before(reminder: dict[str, Any]) -> timedelta | None:
    units = {"before_minutes": timedelta(minutes=1), "before_hours": timedelta(hours=1)}
    given = ((positive(reminder.get(name)), unit) for name, unit in units.items())
    return next((span(amount, unit) for amount, unit in given if amount is not None), None)


def _auto_escalation(step: StepDefinition, others: list[StepDefinition], playbook: dict[str, Any]) -> tuple[str, ...]:
    """The playbook's own `escalation`, else the roles of the next step that names another role than this one."""
    if playbook.get("auto_escalation") is not True or mapping(step.metadata.get("escalation")):
        return ()
    named = texts(mapping(playbook.get("escalation")).get("escalate_to"))
    following = (other.assignee_roles for other in others if other.sequence > step.sequence)
    roles = named or next((roles for roles in following if set(roles) - set(step.assignee_roles)), [])
    return tuple(role for role in dict.fromkeys(roles) if role not in step.assignee_roles)


def is_conditional(step: StepDefinition) -> bool:
    return not step.is_required and bool(step.conditions.pre)


def _own_sla(step: StepDefinition) -> float | None:
    return positive(step.metadata.get("sla_hours")) or positive((step.model_extra or {}).get("sla_hours"))


def _options(step: StepDefinition) -> dict[str, dict[str, Any]]:
    options = step.metadata.get("approval_options")
    options = options if isinstance(options, list) else []
    return {str(mapping(option).get("action")): option for option in options if mapping(option).get("action")}


def _roles(step: StepDefinition) -> tuple[str, ...]:
    matrix = mapping(step.metadata.get("approval_matrix")) if step.step_type == "approval" else {}
    asked = (role for band in matrix.values() for role in texts(band))
    return tuple(dict.fromkeys([*step.assignee_roles, *asked]))


def _asks_several(step: StepDefinition) -> bool:
    return step.step_type == "approval" and any(
        step.metadata.get(name) for name in ("approval_matrix", "committee_size")
    )


def _amount_field(step: StepDefinition, encrypted: Collection[str]) -> str | None:
    asked = (c.field for c in every(step.conditions.pre) if c.field and _asks_for_number(c))
    field = text(step.metadata.get("amount_field")) or next(asked, None)
    return None if field is None or not {field, *field.split(".")}.isdisjoint(encrypted) else field


def _asks_for_number(condition: Condition) -> bool:
    numbers = condition.value if condition.operator == "between" else [condition.value]
    return isinstance(numbers, list) and bool(numbers) and all(map(is_number, numbers))


def every(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """The conditions, and those in groups at any depth."""
    for condition in conditions:
        yield condition
        yield from every(condition.conditions or ())


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
