"""Where an option of an approval leads: back to an earlier step, or ahead to a later one."""

from collections.abc import Collection

from contracts.events import StepSkipped, StepsReturned
from contracts.values import Actor
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.plan import Plan, PlannedStep
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState


def back(state: RunState, step: StepState, to: object, situation: Situation, actor: Actor) -> list[RunEvent]:
    """The steps of that number begin anew, and what comes after them is pending again."""
    targets = situation.plan.at(to)
    if not targets or targets[0].sequence > step.sequence:
        return []
    first = targets[0].step_id
    after = _following(situation.plan, targets) | {step.step_id}
    return [
        StepsReturned(
            at=situation.now, actor=actor, from_step=step.step_id, sequence=step.sequence, to_step=first,
            reset=[i for i, other in state.steps.items() if i in after and i != first and not _is_untouched(other)],
        )
    ]  # fmt: skip


def _following(plan: Plan, targets: Collection[PlannedStep]) -> set[str]:
    """These steps, those of a higher number, and those that wait for one of them by name, whatever their number."""
    lowest = min(target.sequence for target in targets)
    waiting: dict[int, list[PlannedStep]] = {}
    for step in plan.steps:
        for named, _ in step.named:
            waiting.setdefault(named, []).append(step)
    found: set[str] = set()
    looked_at = [step for step in plan.steps if step.sequence >= lowest]
    while looked_at:
        step = looked_at.pop()
        if step.step_id not in found:
            found.add(step.step_id)
            looked_at += waiting.get(step.sequence, ())
    return found


def _is_untouched(step: StepState) -> bool:
    return step.status == "pending" and step.assigned_to is None and not step.candidates


def ahead(state: RunState, step: StepState, to: object, situation: Situation, actor: Actor) -> list[RunEvent]:
    """What lies between is skipped."""
    if not isinstance(to, int) or not situation.plan.at(to):
        return []
    return [
        StepSkipped(
            at=situation.now, actor=actor, step_id=other.step_id, sequence=other.sequence, step_name=other.name,
            reason=f"{step.step_id} went on to step {to}",
        )
        for other in state.steps.values()
        if step.sequence < other.sequence < to and not other.is_ended
    ]  # fmt: skip
