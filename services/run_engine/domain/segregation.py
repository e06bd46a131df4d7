"""Segregation of duties: what one user may not both do in a run."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from contracts.policies import FourEyes, SegregationRule
from contracts.rejections import Code, Rejection
from services.run_engine.domain.identity import Same
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


def clash_with(
    rule: SegregationRule, state: RunState, step: StepState, people: Collection[str], plan: Plan
) -> dict[str, Any] | None:
    """Who of them the rule keeps from the step, and what they have done: `user` and `step`, or `started_run`."""
    meant = _meant(Same(rule), Same(plan))
    if step.step_id not in meant.steps:
        return None
    if isinstance(rule, FourEyes) and rule.run_starter:
        starters = starters_of(state).intersection(people)
        if starters:
            return {"user": min(starters), "started_run": True}
    hands = _hands(Same(state))
    found = (
        next(((number, user, done) for number, done in hands.get(user, ()) if meant.counts(done, step.step_id)), None)
        for user in people
    )
    first = min((clash for clash in found if clash is not None), default=None)
    return {"user": first[1], "step": first[2]} if first is not None else None


def barred_from(step_id: str, state: RunState, situation: Situation) -> list[str]:
    """Whom the rules keep from the step by what they have done in the run so far, in order of name."""
    barred: set[str] = set()
    for rule in situation.policies.segregation_of_duties.rules:
        meant = _meant(Same(rule), Same(situation.plan))
        if step_id in meant.steps:
            barred |= starters_of(state) if isinstance(rule, FourEyes) and rule.run_starter else set()
            hands = ((user, steps) for user, steps in _hands(Same(state)).items() if user not in barred)
            barred |= {user for user, steps in hands if any(meant.counts(done, step_id) for _, done in steps)}
    return sorted(barred)


@dataclass(frozen=True, slots=True)
class _Meant:
    """The steps that a rule is for, and those in which a hand keeps from them."""

    steps: frozenset[str]
    done: frozenset[str]

    def counts(self, done: str, step_id: str) -> bool:
        return done in self.done and done != step_id


@lru_cache(maxsize=1024)
def _meant(rule: Same[SegregationRule], plan: Same[Plan]) -> _Meant:
    code, chosen = plan.value.definition.smart_code, rule.value
    selectors = (chosen.steps, chosen.done if isinstance(chosen, FourEyes) else chosen.steps)
    return _Meant(*(
        frozenset(step.step_id for step in plan.value.steps if is_among(selected, code, step.definition))
        for selected in selectors
    ))  # fmt: skip


@lru_cache(maxsize=8)
def _hands(state: Same[RunState]) -> dict[str, list[tuple[int, str]]]:
    """By user, the steps in which they had a hand, numbered in their order: looked up for each of a run's steps."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, step in enumerate(state.value.steps.values()):
        for user in step.people:
            found.setdefault(user, []).append((number, step.step_id))
    return found


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
