"""Segregation of duties: what one user may not both do in a run."""

from collections.abc import Collection
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


def barred_from(state: RunState, step: StepState, situation: Situation) -> list[str]:
    """Whom the rules keep from the step by what they have done in the run so far, in order of name."""
    if not situation.policies.segregation_of_duties.rules:
        return []
    people = starters_of(state).union(*(other.people for other in state.steps.values()))
    return sorted(user for user in people if separated(state, step, {user}, situation) is not None)


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
