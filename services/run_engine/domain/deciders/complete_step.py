"""A person, or a worker over the same endpoint, says that a step is done, or votes on it."""

from dataclasses import dataclass, replace
from typing import Literal

from contracts.commands import CompleteStep
from contracts.events import ApprovalRecorded, StepCompleted, StepFailed
from contracts.rejections import Rejection
from services.run_engine.domain import automation, jumps, timing
from services.run_engine.domain.acting import Capacity, capacities, may_act, not_theirs
from services.run_engine.domain.advance import cancel_open, run_completed
from services.run_engine.domain.approvals import (
    Outcome,
    Quorum,
    allowed_outcomes,
    decided,
    no_voice,
    quorum,
    understood,
)
from services.run_engine.domain.assignments import bad_assignments, handed, named_for
from services.run_engine.domain.clear import cleared
from services.run_engine.domain.controls import beyond_controls
from services.run_engine.domain.copying import changed
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.forms import with_defaults
from services.run_engine.domain.limits import beyond_limit
from services.run_engine.domain.permissions import holds, lacks, may_complete_work_of_people
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.requirements import completion_violations
from services.run_engine.domain.segregation import separated
from services.run_engine.domain.situation import (
    Decision,
    Situation,
    invalid_field,
    invalid_state,
    minutes_of_work,
    unknown_step,
)
from services.run_engine.domain.state import RunState, StepState, Vote, with_vote
from services.run_engine.domain.violations import contract_rejection


@dataclass(frozen=True, slots=True)
class _Work:
    """A completion that is permitted and understood, in the capacity in which its caller acts."""

    state: RunState
    step: StepState
    command: CompleteStep
    outcome: Outcome
    situation: Situation
    capacity: Capacity

    @property
    def planned(self) -> PlannedStep:
        return self.situation.plan.by_id[self.step.step_id]


def complete_step(state: RunState, command: CompleteStep, situation: Situation) -> Decision:
    step = state.steps.get(command.step_id)
    if step is None:
        return unknown_step(state, command.step_id)
    refusal = _not_open(state, step) or _not_permitted(state, step, command, situation)
    refusal = refusal or bad_assignments(state, command, situation)
    if refusal is not None:
        return refusal
    planned = situation.plan.by_id[step.step_id]
    outcome = understood(planned, command.outcome)
    if outcome is None:
        return _unknown_outcome(command, planned)
    command = _with_defaults(state, command, planned, outcome, situation)
    work = _taken_up(state, step, command, outcome, situation)
    if isinstance(work, Rejection):
        return work
    refusal = _breach(work)
    return refusal if refusal is not None else _decided(work)


def _not_open(state: RunState, step: StepState) -> Rejection | None:
    if state.status not in ("active", "paused", "blocked"):
        return invalid_state(f"Expected to complete {step.step_id}, but the run is {state.status}.", state)
    if step.status != "in_progress":
        return invalid_state(f"Expected to complete {step.step_id}, but it is {step.status}.", state, step)
    if state.is_paused:
        return invalid_state(f"Expected to complete {step.step_id}, but the run is paused.", state, step)
    return None


def _not_permitted(state: RunState, step: StepState, command: CompleteStep, situation: Situation) -> Rejection | None:
    if step.execution_mode == "manual" and not may_complete_work_of_people(command.caller):
        reason = f"{step.step_id} is for people: completing it requires the permission step:complete."
        return lacks(command.caller, "step:complete", reason)
    if not may_act(command.caller, state, step, situation):
        return not_theirs(command.caller, state, step, situation)
    if _completer(command) != command.caller.id and not holds(command.caller, "step:override"):
        return lacks(command.caller, "step:override", f"Only step:override completes a step as {command.completed_by}.")
    return None


def _completer(command: CompleteStep) -> str:
    return command.completed_by or command.caller.id


def _unknown_outcome(command: CompleteStep, planned: PlannedStep) -> Rejection:
    allowed = allowed_outcomes(planned)
    reason = f"{command.step_id} has no outcome {command.outcome!r}; it takes {', '.join(allowed)}"
    return invalid_field("completion.outcome", command.outcome, reason, allowed=allowed)


def _with_defaults(
    state: RunState, command: CompleteStep, planned: PlannedStep, outcome: Outcome, situation: Situation
) -> CompleteStep:
    if outcome.meaning not in ("done", "approved"):
        return command
    now = timing.local(planned, situation.now, situation.policies.calendars)
    data = with_defaults(planned.definition.metadata, command.data, state.data, now)
    return command if data is command.data else command.model_copy(update={"data": data})


def _taken_up(
    state: RunState, step: StepState, command: CompleteStep, outcome: Outcome, situation: Situation
) -> _Work | Rejection:
    """In the caller's capacity that nothing forbids and that brings a matrix furthest, the first of several.

    Where all are forbidden, the first refusal.
    """
    refusals: list[Rejection] = []
    allowed: list[_Work] = []
    for capacity in capacities(command.caller, state, step, situation):
        work = _Work(state, step, command, outcome, situation, capacity)
        refusal = separated(state, step, _people(work), situation) or _no_voice(work)
        if refusal is None:
            allowed.append(work)
        else:
            refusals.append(refusal)
    return max(allowed, key=_rank) if allowed else refusals[0]


def _rank(work: _Work) -> tuple[bool, int]:
    needed = _quorum(work)
    return _beyond_limit(work) is None, needed.approved(_votes(work)) if needed is not None and needed.roles else 0


def _people(work: _Work) -> set[str]:
    people = {work.command.caller.id, _completer(work.command), work.capacity.on_behalf_of}
    return {user for user in people if user is not None}


def _no_voice(work: _Work) -> Rejection | None:
    return no_voice(work.planned, work.state, work.capacity.roles) if _quorum(work) is not None else None


def _quorum(work: _Work) -> Quorum | None:
    """What a vote is needed for; None where the completion is none."""
    return quorum(work.planned, work.state) if work.outcome.meaning in ("approved", "rejected") else None


def _breach(work: _Work) -> Rejection | None:
    """Only work that goes forward is held to the contract: who rejects or gives up need not have filled in the form."""
    state, step, command = work.state, work.step, work.command
    if work.outcome.meaning not in ("done", "approved"):
        return None
    if step.execution_mode == "automated":  # who answers for a machine: of work that fell to people, people judge
        beyond = beyond_controls(work.planned.definition, work.situation.policies.financial_controls)
        if beyond is not None:
            return beyond
    among = changed(step, approvals=_other_votes(work)) if step.approvals else step
    found = completion_violations(state, among, work.situation, command.data, command.attachments, command.outcome)
    if found:
        return contract_rejection(step.step_id, found, f"Complete {step.step_id} with what its contract asks for")
    return _beyond_limit(work)


def _beyond_limit(work: _Work) -> Rejection | None:
    """The amount is the completion's, or else what a vote before it or the run has."""
    step, policies = work.step, work.situation.policies
    if step.step_type != "approval" or work.outcome.meaning != "approved":
        return None
    field = policies.approval_limit.field
    for data in (work.command.data, *(vote.data for vote in reversed(_other_votes(work))), work.state.data):
        if field in data:
            amount = cleared({field: data[field]}, work.situation.clear)[field]
            secret = field in work.situation.plan.definition.encrypted_fields
            return beyond_limit(policies, step.step_id, amount, work.capacity.roles, secret=secret)
    return None


def _decided(work: _Work) -> Decision:
    if work.outcome.meaning == "failed":
        return _given_up(work)
    needed = _quorum(work)
    return _completed(work, work.command.outcome) if needed is None else _voted(work, needed)


def _given_up(work: _Work) -> list[RunEvent]:
    state, step, command, now = work.state, work.step, work.command, work.situation.now
    reason = command.data.get("reason")
    reason = reason if isinstance(reason, str) and reason else "It was completed with outcome failure"
    actor = command.caller.actor
    if step.execution_mode == "automated":
        return automation.attempt_failed(state, step, work.situation, reason, retryable=False, actor=actor)
    return [
        StepFailed(
            at=now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
            reason=reason, data=command.data, attachments=command.attachments, failed_by=_completer(command),
            on_behalf_of=work.capacity.on_behalf_of, duration_minutes=minutes_of_work(state, step, now),
        )
    ]  # fmt: skip


def _voted(work: _Work, needed: Quorum) -> list[RunEvent]:
    step, command = work.step, work.command
    vote = ApprovalRecorded.model_validate({
        "at": work.situation.now, "actor": command.caller.actor, "step_id": step.step_id, "sequence": step.sequence,
        "step_name": step.name, "user": _completer(command), "roles": list(work.capacity.roles), "vote": _word(work),
        "on_behalf_of": work.capacity.on_behalf_of, "data": command.data, "attachments": command.attachments,
    })  # fmt: skip
    votes = _votes(work)
    decision = needed.decision(votes)
    if decision is None:
        return [vote, *handed(work.state, command, work.situation.now)]
    return [vote, *_completed(replace(work, outcome=decided(work.planned, decision)), decision, votes)]


def _votes(work: _Work) -> tuple[Vote, ...]:
    """With this one, which takes the place of the same people's."""
    capacity, command = work.capacity, work.command
    vote = Vote(
        _completer(command), _word(work), capacity.roles, work.situation.now, command.data,
        tuple(command.attachments), capacity.on_behalf_of,
    )  # fmt: skip
    return with_vote(work.step.approvals, vote)


def _other_votes(work: _Work) -> tuple[Vote, ...]:
    return _votes(work)[:-1]


def _word(work: _Work) -> Literal["approve", "reject"]:
    return "approve" if work.outcome.meaning == "approved" else "reject"


def _completed(work: _Work, word: str, votes: tuple[Vote, ...] = ()) -> list[RunEvent]:
    state, step, command, now = work.state, work.step, work.command, work.situation.now
    data = {key: value for vote in votes for key, value in vote.data.items()} if votes else command.data
    attachments = [a for vote in votes for a in vote.attachments] if votes else command.attachments
    named = named_for(state, command)
    completed = StepCompleted(
        at=now,
        actor=command.caller.actor,
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        outcome=word,
        completed_by=_completer(command),
        on_behalf_of=work.capacity.on_behalf_of,
        data=data,
        attachments=attachments,
        duration_minutes=minutes_of_work(state, step, now),
        sla_breached=step.sla_breached or (step.due_at is not None and now > step.due_at),
        assignments=named.assignments,
        candidates=named.candidates,
    )
    return [completed, *handed(state, command, now, but=named), *_consequences(work)]


def _consequences(work: _Work) -> list[RunEvent]:
    """What the outcome's option says beyond going on: back, ahead, or the end."""
    step, option, actor = work.step, work.outcome.option, work.command.caller.actor
    if work.outcome.meaning == "returned":
        return jumps.back(work.state, step, option["return_to_step"], work.situation, actor)
    if option.get("next_step") is not None:
        return jumps.ahead(work.state, step, option["next_step"], work.situation, actor)
    if work.outcome.meaning == "rejected":
        cancelled = cancel_open(work.state, work.situation, f"{step.step_id} was rejected", but=step.step_id)
        return [*cancelled, run_completed(work.state, work.situation, "rejected")]
    return []
