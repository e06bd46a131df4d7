"""A person, or a worker over the same endpoint, says that a step is done, or votes on it."""

from contracts.commands import CompleteStep
from contracts.events import ApprovalRecorded, StepAssigned, StepCompleted, StepFailed, StepSkipped, StepsReturned
from contracts.rejections import Code, Rejection
from services.run_engine.domain import automation
from services.run_engine.domain.advance import cancel_open, run_completed
from services.run_engine.domain.approvals import Outcome, Quorum, allowed_outcomes, quorum, understood, votes_with
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.forms import with_defaults
from services.run_engine.domain.limits import beyond_limit
from services.run_engine.domain.permissions import holds, lacks, may_work_on, not_yours
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.requirements import completion_violations
from services.run_engine.domain.situation import (
    Decision,
    Situation,
    invalid_field,
    invalid_state,
    minutes_of_work,
    unknown_step,
)
from services.run_engine.domain.state import RunState, StepState, Vote
from services.run_engine.domain.violations import contract_rejection


def complete_step(state: RunState, command: CompleteStep, situation: Situation) -> Decision:
    step = state.steps.get(command.step_id)
    if step is None:
        return unknown_step(state, command.step_id)
    refusal = _not_open(state, step) or _not_permitted(command, step) or _bad_assignments(state, command)
    if refusal is not None:
        return refusal
    planned = situation.plan.by_id[step.step_id]
    outcome = understood(planned, command.outcome)
    if outcome is None:
        return _unknown_outcome(command, planned)
    command = _with_defaults(state, command, planned, outcome, situation)
    refusal = _breach(state, step, command, outcome, situation)
    return refusal if refusal is not None else _decided(state, step, command, outcome, situation)


def _not_open(state: RunState, step: StepState) -> Rejection | None:
    if state.status not in ("active", "paused", "blocked"):
        return invalid_state(f"Expected to complete {step.step_id}, but the run is {state.status}.", state)
    if step.status != "in_progress":
        return invalid_state(f"Expected to complete {step.step_id}, but it is {step.status}.", state, step)
    if state.is_paused:
        return invalid_state(f"Expected to complete {step.step_id}, but the run is paused.", state, step)
    return None


def _not_permitted(command: CompleteStep, step: StepState) -> Rejection | None:
    if not may_work_on(command.caller, step):
        return not_yours(command.caller, step)
    if _completer(command) != command.caller.id and not holds(command.caller, "step:override"):
        return lacks(command.caller, "step:override", f"Only step:override completes a step as {command.completed_by}.")
    return None


def _completer(command: CompleteStep) -> str:
    return command.completed_by or command.caller.id


def _bad_assignments(state: RunState, command: CompleteStep) -> Rejection | None:
    for step_id in command.next_step_assignments:
        field = f"completion.next_step_assignments.{step_id}"
        step = state.steps.get(step_id)
        if step is None:
            return invalid_field(field, step_id, f"The run has no step {step_id}", steps=list(state.steps))
        if step.is_ended or step_id == command.step_id:
            return invalid_field(field, step_id, f"{step_id} does not follow {command.step_id}")
    return None


def _unknown_outcome(command: CompleteStep, planned: PlannedStep) -> Rejection:
    allowed = allowed_outcomes(planned)
    reason = f"{command.step_id} has no outcome {command.outcome!r}; it takes {', '.join(allowed)}"
    return invalid_field("completion.outcome", command.outcome, reason, allowed=allowed)


def _with_defaults(
    state: RunState, command: CompleteStep, planned: PlannedStep, outcome: Outcome, situation: Situation
) -> CompleteStep:
    if outcome.meaning not in ("done", "approved"):
        return command
    data = with_defaults(planned.definition.metadata, command.data, state.data, situation.now)
    return command if data is command.data else command.model_copy(update={"data": data})


def _breach(
    state: RunState, step: StepState, command: CompleteStep, outcome: Outcome, situation: Situation
) -> Rejection | None:
    """Only work that goes forward is held to the contract: who rejects or gives up need not have filled in the form."""
    if outcome.meaning not in ("done", "approved"):
        return None
    found = completion_violations(state, step, situation, command.data, command.attachments)
    if found:
        return contract_rejection(step.step_id, found, f"Complete {step.step_id} with what its contract asks for")
    return _beyond_limit(state, step, command, situation) if step.step_type == "approval" else None


def _beyond_limit(state: RunState, step: StepState, command: CompleteStep, situation: Situation) -> Rejection | None:
    """The amount is the completion's, or else what the run has had before."""
    field = situation.policies.approval_limit.field
    for data in (command.data, state.data):
        if field in data:
            return beyond_limit(situation.policies, step.step_id, data[field], command.caller.roles)
    return None


def _decided(
    state: RunState, step: StepState, command: CompleteStep, outcome: Outcome, situation: Situation
) -> Decision:
    if outcome.meaning == "failed":
        return [*_given_up(state, step, command, situation)]
    needed = quorum(situation.plan.by_id[step.step_id], state)
    if needed is None or outcome.meaning == "returned":
        return _completed(state, step, command, outcome, situation, command.outcome)
    return _voted(state, step, command, outcome, situation, needed)


def _given_up(state: RunState, step: StepState, command: CompleteStep, situation: Situation) -> list[RunEvent]:
    reason = command.data.get("reason")
    reason = reason if isinstance(reason, str) and reason else "It was completed with outcome failure"
    actor = command.caller.actor
    if step.execution_mode == "automated":
        return automation.attempt_failed(state, step, situation, reason, retryable=False, actor=actor)
    return [
        StepFailed(
            at=situation.now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
            reason=reason, data=command.data, attachments=command.attachments, failed_by=_completer(command),
            duration_minutes=minutes_of_work(state, step, situation.now),
        )
    ]  # fmt: skip


def _voted(
    state: RunState, step: StepState, command: CompleteStep, outcome: Outcome, situation: Situation, needed: Quorum
) -> Decision:
    if needed.roles and not set(needed.roles) & set(command.caller.roles):
        return _no_voice(command, needed)
    word = "approve" if outcome.meaning == "approved" else "reject"
    vote = ApprovalRecorded.model_validate({
        "at": situation.now, "actor": command.caller.actor, "step_id": step.step_id, "sequence": step.sequence,
        "step_name": step.name, "user": _completer(command), "roles": list(command.caller.roles), "vote": word,
        "data": command.data, "attachments": command.attachments,
    })  # fmt: skip
    votes = votes_with(step, Vote(vote.user, vote.vote, tuple(vote.roles), vote.at, vote.data))
    decision = needed.decision(votes)
    if decision is None:
        return [vote]
    return [vote, *_completed(state, step, command, outcome, situation, decision, votes)]


def _no_voice(command: CompleteStep, needed: Quorum) -> Rejection:
    return Rejection(
        code=Code.FORBIDDEN,
        message=f"{command.step_id} needs the approval of {', '.join(needed.roles)}.",
        details={
            "step": command.step_id,
            "required_roles": list(needed.roles),
            "current_roles": list(command.caller.roles),
        },
    )


def _completed(
    state: RunState,
    step: StepState,
    command: CompleteStep,
    outcome: Outcome,
    situation: Situation,
    word: str,
    votes: list[Vote] | None = None,
) -> list[RunEvent]:
    data = {key: value for vote in votes for key, value in vote.data.items()} if votes else command.data
    attachments = [a for vote in step.approvals for a in vote.attachments] if votes else []
    given = {step_id: users[0] for step_id, users in command.next_step_assignments.items() if users}
    completed = StepCompleted(
        at=situation.now,
        actor=command.caller.actor,
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        outcome=word,
        completed_by=_completer(command),
        data=data,
        attachments=[*attachments, *command.attachments],
        duration_minutes=minutes_of_work(state, step, situation.now),
        sla_breached=step.sla_breached or (step.due_at is not None and situation.now > step.due_at),
        assignments={i: user for i, user in given.items() if state.steps[i].status == "pending"},
    )
    handed = [_handed(state.steps[i], user, command, situation) for i, user in given.items() if state.steps[i].is_open]
    return [completed, *handed, *_consequences(state, step, outcome, situation, command)]


def _handed(step: StepState, user: str, command: CompleteStep, situation: Situation) -> StepAssigned:
    return StepAssigned(
        at=situation.now, actor=command.caller.actor, step_id=step.step_id, sequence=step.sequence,
        step_name=step.name, assigned_to=user, previous=step.assigned_to,
    )  # fmt: skip


def _consequences(
    state: RunState, step: StepState, outcome: Outcome, situation: Situation, command: CompleteStep
) -> list[RunEvent]:
    """What the outcome's option says beyond going on: back, ahead, or the end."""
    if outcome.meaning == "returned":
        return _returned(state, step, outcome, situation, command)
    if outcome.option.get("next_step") is not None:
        return _jumped(state, step, outcome.option["next_step"], situation, command)
    if outcome.meaning == "rejected":
        cancelled = cancel_open(state, situation, f"{step.step_id} was rejected", but=step.step_id)
        return [*cancelled, run_completed(state, situation, "rejected")]
    return []


def _returned(
    state: RunState, step: StepState, outcome: Outcome, situation: Situation, command: CompleteStep
) -> list[RunEvent]:
    targets = situation.plan.at(outcome.option["return_to_step"])
    if not targets or targets[0].sequence > step.sequence:
        return []
    after = [
        other.step_id
        for other in state.steps.values()
        if (other.sequence > targets[0].sequence or other.step_id == step.step_id)
        and other.step_id != targets[0].step_id
        and (other.status != "pending" or other.assigned_to is not None)
    ]
    return [
        StepsReturned(
            at=situation.now, actor=command.caller.actor, from_step=step.step_id, sequence=step.sequence,
            to_step=targets[0].step_id, reset=after,
        )
    ]  # fmt: skip


def _jumped(
    state: RunState, step: StepState, target: object, situation: Situation, command: CompleteStep
) -> list[RunEvent]:
    if not isinstance(target, int) or not situation.plan.at(target):
        return []
    return [
        StepSkipped(
            at=situation.now, actor=command.caller.actor, step_id=other.step_id, sequence=other.sequence,
            step_name=other.name, reason=f"{step.step_id} went on to step {target}",
        )
        for other in state.steps.values()
        if step.sequence < other.sequence < target and not other.is_ended
    ]  # fmt: skip
