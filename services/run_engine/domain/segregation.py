"""Segregation of duties: what one user may not both do in a run."""

from collections.abc import Collection, Iterable
from typing import Any

from contracts.policies import FourEyes, SegregationRule
from contracts.rejections import Code, Rejection
from services.run_engine.domain.loose import text
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.selecting import is_among
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState


def separated(state: RunState, step: StepState, people: Collection[str], situation: Situation) -> Rejection | None:
    """The refusal where a rule keeps the step from one of these: who acts, and on whose behalf."""
    for rule in situation.policies.segregation_of_duties.rules:
        clash = clash_with(rule, state, step, people, situation.plan)
        if clash is not None:
            return _refusal(rule, step, clash)
    return None


class Barred:
    """Whom the rules keep from which step by what they have done in the run so far, worked out once for all steps."""

    def __init__(self, state: RunState, situation: Situation) -> None:
        rules, self._plan = situation.policies.segregation_of_duties.rules, situation.plan
        self._code = state.playbook.smart_code
        self._starters = starters_of(state)
        worked_on = (
            [(step.step_id, people) for step in state.steps.values() if (people := step.people)] if rules else []
        )
        self._hands = [(rule, self._by_user(rule, worked_on)) for rule in rules]

    def _by_user(self, rule: SegregationRule, worked_on: Iterable[tuple[str, set[str]]]) -> dict[str, set[str]]:
        """The steps in which they had a hand, of those that count for the rule."""
        done = rule.done if isinstance(rule, FourEyes) else rule.steps
        found: dict[str, set[str]] = {}
        for step_id, people in worked_on:
            if is_among(done, self._code, self._plan.by_id[step_id].definition):
                for user in people:
                    found.setdefault(user, set()).add(step_id)
        return found

    def users(self, step_id: str) -> list[str]:
        """In order of name."""
        barred: set[str] = set()
        for rule, hands in self._hands:
            if is_among(rule.steps, self._code, self._plan.by_id[step_id].definition):
                barred |= {user for user, steps in hands.items() if steps != {step_id}}
                barred |= self._starters if isinstance(rule, FourEyes) and rule.run_starter else set()
        return sorted(barred)


def clash_with(
    rule: SegregationRule, state: RunState, step: StepState, people: Collection[str], plan: Plan
) -> dict[str, Any] | None:
    """Who of them the rule keeps from the step, and what they have done: `user` and `step`, or `started_run`."""
    code = state.playbook.smart_code
    if not is_among(rule.steps, code, plan.by_id[step.step_id].definition):
        return None
    if isinstance(rule, FourEyes) and rule.run_starter:
        starters = starters_of(state).intersection(people)
        if starters:
            return {"user": min(starters), "started_run": True}
    done = rule.done if isinstance(rule, FourEyes) else rule.steps
    for other in state.steps.values():
        if other.step_id == step.step_id or not is_among(done, code, plan.by_id[other.step_id].definition):
            continue
        both = other.people.intersection(people)
        if both:
            return {"user": min(both), "step": other.step_id}
    return None


def starters_of(state: RunState) -> set[str]:
    """Who sent the start, and on whose behalf."""
    named = text(state.context.get("triggered_by"))
    return {state.created_by, named} if named else {state.created_by}


def _refusal(rule: SegregationRule, step: StepState, clash: dict[str, Any]) -> Rejection:
    user = clash["user"]
    done = "started the run" if "started_run" in clash else f"had a hand in {clash['step']}"
    return Rejection(
        code=Code.FORBIDDEN,
        message=f"{step.step_id} is not for {user}, who {done}.",
        details={
            "step": step.step_id,
            "policy": "segregation_of_duties",
            "rule": rule.name,
            "user": user,
            **({"started_run": True} if "started_run" in clash else {"conflicting_step": clash["step"]}),
            "resolution": f"Somebody else must complete {step.step_id}",
        },
    )
