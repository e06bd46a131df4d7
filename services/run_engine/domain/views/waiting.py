"""What a run waits for: which conditions came out how, who could act, and since when."""

from collections.abc import Iterable, Iterator
from itertools import islice

from contracts.definitions import Condition
from contracts.events import UnmetCondition
from services.run_engine.domain.acting import higher_roles, stand_ins
from services.run_engine.domain.approvals import Quorum, quorum
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN
from services.run_engine.domain.plan import Plan, PlannedStep
from services.run_engine.domain.segregation import barred_from
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.step_roles import required_roles
from services.run_engine.domain.views.timeline import View, moment, present

_TOLD = 20
"""Of the steps that another one waits for, of users who are barred, and of the explanations in the summary."""


def waiting_view(state: RunState, at: Situation) -> View:
    waits = list(_waits(state, at))
    first = [wait["explanation"] for wait in waits if wait["kind"] != "steps"][:_TOLD]
    return {
        "run_id": state.run_id,
        "status": state.status,
        "version": state.sequence,
        "allowed_actions": list(ALLOWED_ON_RUN[state.status]),
        "summary": "; ".join(first) or f"Nothing: the run is {state.status}",
        "waits_for": waits,
    }


def _waits(state: RunState, at: Situation) -> Iterator[View]:
    plan = at.plan
    if state.is_paused:
        yield _resume(state)
    if state.status == "failed":
        yield from (_retry(step) for step in state.steps.values() if step.status == "failed" and step.is_required)
    for step in state.steps.values():
        if step.status == "in_progress" and step.execution_mode == "manual":
            yield _person(state, step, at)
        elif step.status == "in_progress":
            yield _automation(state, step)
        elif step.status == "blocked" and not state.is_paused:
            yield _conditions(step, plan.by_id[step.step_id])
        elif step.status == "pending" and state.ended_at is None:
            yield _steps(state, step, plan)


def _resume(state: RunState) -> View:
    until = moment(state.pause_until)
    by_itself = f", by itself at {until}" if until else ""
    explanation = f"Somebody resumes the run{by_itself}"
    return present({"kind": "resume", "explanation": explanation, "since": moment(state.paused_at), "until": until})


def _retry(step: StepState) -> View:
    why = {"reason": step.reason, "since": moment(step.ended_at)}
    return present({"kind": "retry", **_named(step), **why, "explanation": f"Somebody retries {_title(step)}"})


def _person(state: RunState, step: StepState, at: Situation) -> View:
    anyone = step.assigned_to is None and not step.assignee_roles and not step.candidates
    needed, barred = quorum(at.plan.by_id[step.step_id], state), barred_from(step.step_id, state, at)[:_TOLD]
    return present(
        {
            "kind": "person",
            **_named(step),
            "explanation": _asks(step, needed, barred),
            "since": moment(step.started_at),
            "due_at": moment(step.due_at),
            "overdue": step.overdue or None,
            "assigned_to": step.assigned_to,
            "candidates": list(step.candidates) or None,
            "substitutes": stand_ins(state, step, at) or None,
            "assignee_roles": list(step.assignee_roles),
            "higher_roles": higher_roles(state, step, at) or None,
            "required_roles": list(required_roles(state, step, at)) or None,
            "anyone": anyone or None,
            "barred": barred or None,
            "approvals": needed.tally(step.approvals) if needed is not None else None,
            "approved_by": [vote.user for vote in step.approvals if vote.vote == "approve"] or None,
            "rejected_by": [vote.user for vote in step.approvals if vote.vote == "reject"] or None,
        }
    )


def _asks(step: StepState, needed: Quorum | None, barred: list[str]) -> str:
    if needed is None:
        asked = f"{_who(step)} completes {_title(step)}"
    else:
        tally = needed.tally(step.approvals)
        article = "Another" if tally["approved"] else "A"
        voices = _holder(tally["missing_roles"] or needed.roles, article) if needed.roles else _who(step)
        asked = f"{voices} votes on {_title(step)}, which has {tally['approved']} of {tally['required']} approvals"
    return f"{asked}; segregation of duties keeps it from {' and '.join(barred)}" if barred else asked


def _who(step: StepState) -> str:
    named = step.assigned_to or " or ".join(step.candidates)
    if not step.assignee_roles:
        return named or "Anyone who may complete steps"
    holder = _holder(step.assignee_roles)
    return f"{named} (or {holder[0].lower()}{holder[1:]})" if named else holder


def _holder(roles: Iterable[str], article: str = "A") -> str:
    return f"{article} holder of {' or '.join(roles)}"


def _automation(state: RunState, step: StepState) -> View:
    retry = next((t for t in state.timers if t.step_id == step.step_id and t.kind == "automation_retry"), None)
    doing = "Its endpoint or a worker answers" if step.job_id is not None else "The next attempt is made"
    return present(
        {
            "kind": "automation",
            **_named(step),
            "explanation": f"{doing} for {_title(step)}",
            "since": moment(step.started_at),
            "job_id": step.job_id,
            "attempt_number": step.job_attempt,
            "retry_at": moment(retry.due_at) if retry is not None else None,
        }
    )


def _conditions(step: StepState, planned: PlannedStep) -> View:
    """`step.unmet` is what was found when it was looked at last, which every change of the data makes anew."""
    found = {str(told.condition): told for told in step.unmet}
    rows = [_condition(condition, found) for condition in planned.pre]
    reasons = "; ".join(row["reason"] for row in rows if not row["met"])
    return {
        "kind": "condition",
        **_named(step),
        "explanation": f"{_title(step)} waits for its conditions to hold: {reasons}",
        "since": moment(step.blocked_at),
        "conditions": rows,
    }


def _condition(condition: Condition, found: dict[str, UnmetCondition]) -> View:
    asked = condition.model_dump(exclude_none=True)
    told = found.get(str(asked))
    if told is None:
        return {"condition": asked, "met": True}
    return present({"condition": asked, "met": False, "reason": told.reason, "actual_value": told.actual_value})


def _steps(state: RunState, step: StepState, plan: Plan) -> View:
    before = list(islice((i for i in _before(step, plan) if not state.steps[i].is_ended), _TOLD))
    names = ", ".join(before) or "the steps before it"
    return {
        "kind": "steps",
        **_named(step),
        "explanation": f"{_title(step)} comes after {names}",
        "steps": before,
    }


def _before(step: StepState, plan: Plan) -> Iterator[str]:
    """Those that it waits for itself, from the nearest: what these wait for in turn is told with them."""
    planned = plan.by_id[step.step_id]
    if planned.named:
        yield from (step_id for sequence, _ in planned.named for step_id in plan.ids_at[sequence])
        return
    for group in reversed(plan.groups[: plan.group_of[step.step_id]]):
        yield from (member.step_id for member in group)


def _named(step: StepState) -> View:
    return {"step_id": step.step_id, "sequence": step.sequence, "step_name": step.name, "status": step.status}


def _title(step: StepState) -> str:
    return f"{step.step_id} ({step.name})"
