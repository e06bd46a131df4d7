"""What events mean for one step."""

from collections.abc import Iterable

from contracts.events import (
    ApprovalRecorded,
    Event,
    RunResumed,
    StepAssigned,
    StepBlocked,
    StepDates,
    StepSkipped,
    StepStarted,
)
from services.run_engine.domain.copying import changed
from services.run_engine.domain.sizes import kept_bytes
from services.run_engine.domain.state import AttemptRecord, StepState, Vote, with_vote


def started(step: StepState, event: StepStarted) -> StepState:
    return changed(
        step, status="in_progress", attempt=event.attempt, execution_mode=event.execution_mode,
        assigned_to=event.assigned_to, auto_assigned=event.auto_assigned, assignee_roles=tuple(event.assignee_roles),
        candidates=tuple(event.candidates),
        started_at=event.at, due_at=event.due_at, calendar=event.calendar, blocked_at=None, reason=None,
        was_status=None, unmet=(), paused_seconds=0.0, job_id=None, job_attempt=0,
    )  # fmt: skip


def given(step: StepState, user: str) -> StepState:
    return changed(step, assigned_to=user, candidates=(), auto_assigned=True)


def with_assignee(step: StepState, event: StepAssigned) -> StepState:
    claimed_by = event.assigned_to if event.reason == "claimed" else None
    return changed(step, assigned_to=event.assigned_to, candidates=tuple(event.candidates), claimed_by=claimed_by)


def offered(step: StepState, users: Iterable[str]) -> StepState:
    return changed(step, assigned_to=None, candidates=tuple(users), auto_assigned=True)


def skipped(step: StepState, event: StepSkipped) -> StepState:
    return changed(
        step, status="skipped", ended_at=event.at, reason=event.reason, unmet=tuple(event.unmet), job_id=None
    )


def blocked(step: StepState, event: StepBlocked) -> StepState:
    return changed(step, status="blocked", blocked_at=step.blocked_at or event.at, unmet=tuple(event.unmet))


def cancelled(step: StepState, event: Event, reason: str | None) -> StepState:
    return changed(step, status="cancelled", ended_at=event.at, reason=reason, was_status=None, job_id=None, unmet=())


def renewed(step: StepState, event: Event) -> StepState:
    """The step as if never started, but for its history, and for who worked on it."""
    record = AttemptRecord(
        step.attempt,
        step.status,
        step.started_at,
        step.ended_at or event.at,
        step.completed_by,
        step.outcome,
        step.on_behalf_of,
    )
    return StepState(
        step_id=step.step_id, sequence=step.sequence, name=step.name, step_type=step.step_type,
        is_required=step.is_required, is_conditional=step.is_conditional, attempt=step.attempt,
        assigned_to=step.assigned_to, candidates=step.candidates, hands=step.hands,
        history=(*step.history, record) if step.attempt else step.history,
    )  # fmt: skip


def voted(step: StepState, event: ApprovalRecorded) -> StepState:
    vote = Vote(
        event.user, event.vote, tuple(event.roles), event.at, event.data, tuple(event.attachments), event.on_behalf_of
    )
    hands = hands_with(step, event.user, event.actor.id, event.on_behalf_of)
    approvals = with_vote(step.approvals, vote)
    kept = sum(kept_bytes(vote.data, vote.attachments) for vote in approvals)
    return changed(step, approvals=approvals, hands=hands, kept_bytes=kept)


def hands_with(step: StepState, *users: str | None) -> tuple[str, ...]:
    return tuple(sorted({*step.hands, *(user for user in users if user is not None)}))


def moved_on(step: StepState, event: RunResumed, dates: StepDates) -> StepState:
    return changed(
        step, status=step.was_status or "in_progress", was_status=None,
        due_at=dates.due_at, calendar=dates.calendar, paused_seconds=step.paused_seconds + event.paused_seconds,
    )  # fmt: skip
