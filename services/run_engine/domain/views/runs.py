"""A run as responses show it."""

from collections.abc import Sequence

from contracts.definitions import PlaybookDefinition
from contracts.events import HOUSEKEEPING, DataUpdated, Event
from contracts.values import rfc3339
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN
from services.run_engine.domain.loose import whole
from services.run_engine.domain.permissions import roles_of
from services.run_engine.domain.plan import Plan, PlannedStep
from services.run_engine.domain.state import AttemptRecord, RunState, StepState, Vote
from services.run_engine.domain.views.timeline import View, moment, present, timeline_entry


def run_created_view(state: RunState, _definition: PlaybookDefinition, events: Sequence[Event]) -> View:
    return {
        **_head(state),
        "steps_status": [step_row(step) for step in state.steps.values()],
        "timeline": [timeline_entry(event) for event in events if type(event).__name__ not in HOUSEKEEPING],
    }


def run_view(state: RunState, plan: Plan) -> View:
    return {
        **_head(state),
        "steps_status": [
            present({**step_row(step), **step_details(step, plan.by_id[step_id])})
            for step_id, step in state.steps.items()
        ],
        "outcome": state.outcome,
        "priority": state.priority,
        "progress_percentage": progress_percentage(state),
        "due_at": moment(state.due_at),
        "sla_breached": state.sla_breached,
        "paused_until": moment(state.pause_until),
        "version": state.sequence,
        "allowed_actions": list(ALLOWED_ON_RUN[state.status]),
        "organization_id": state.organization_id,
        "playbook_name": state.playbook.name,
        "playbook_version": state.playbook.version,
        "playbook_revision": state.playbook.revision,
        "created_by": state.created_by,
        "context": state.context,
        "data": state.data,
        "metadata": state.metadata,
        "updated_at": rfc3339(state.updated_at),
        "ended_at": moment(state.ended_at),
    }


def update_view(state: RunState, events: Sequence[Event]) -> View:
    """The answer to a change of data or metadata; what comes of it besides is in the timeline."""
    updated = next((event for event in events if isinstance(event, DataUpdated)), None)
    return {
        "run_id": state.run_id,
        "status": state.status,
        "priority": state.priority,
        "version": state.sequence,
        "updated_at": rfc3339(state.updated_at),
        "fields_updated": updated.fields_updated if updated is not None else [],
        "timeline_entry": timeline_entry(updated) if updated is not None else None,
    }


def _head(state: RunState) -> View:
    return {
        "run_id": state.run_id,
        "playbook_id": state.playbook.playbook_id,
        "status": state.status,
        "current_step": current_step(state),
        "created_at": rfc3339(state.created_at),
        "started_at": moment(state.started_at),
        "smart_code": state.smart_code,
    }


def current_step(state: RunState) -> int | None:
    """Number of the first step that is open, else of the next one; null when the run has ended."""
    if state.ended_at is not None:
        return None
    step = state.first_open or next((s for s in state.steps.values() if s.status == "pending"), None)
    return step.sequence if step is not None else None


def progress_percentage(state: RunState) -> float:
    """(completed + skipped) / total; 100 only when the run has completed."""
    done = sum(step.status in ("completed", "skipped") for step in state.steps.values())
    share = whole(100 * done / len(state.steps)) if state.steps else 100
    return share if state.status == "completed" else min(share, 99)


def step_row(step: StepState) -> View:
    return {
        "step_id": step.step_id,
        "sequence": step.sequence,
        "status": step.status,
        **({"assigned_to": step.assigned_to} if step.assigned_to is not None else {}),
        **({"started_at": rfc3339(step.started_at)} if step.started_at is not None else {}),
        **({"is_conditional": True} if step.is_conditional else {}),
    }


def step_details(step: StepState, planned: PlannedStep) -> View:
    return {
        "step_name": step.name,
        "step_type": step.step_type,
        "is_required": step.is_required,
        "attempt": step.attempt,
        "execution_mode": step.execution_mode,
        "assignee_roles": list(roles_of(step, planned)),
        "candidates": list(step.candidates) or None,
        "due_at": moment(step.due_at),
        "calendar": step.calendar.model_dump() if step.calendar is not None else None,
        "blocked_at": moment(step.blocked_at),
        "completed_at": moment(step.ended_at) if step.status == "completed" else None,
        "ended_at": moment(step.ended_at),
        "completed_by": step.completed_by,
        "on_behalf_of": step.on_behalf_of,
        "outcome": step.outcome,
        "reason": step.reason,
        "was_status": step.was_status,
        "sla_breached": step.sla_breached or None,
        "unmet_conditions": [unmet.model_dump() for unmet in step.unmet] or None,
        "approvals": [vote_row(vote) for vote in step.approvals] or None,
        "previous_attempts": [attempt_row(record) for record in step.history] or None,
    }


def vote_row(vote: Vote) -> View:
    row = {"user": vote.user, "on_behalf_of": vote.on_behalf_of, "vote": vote.vote, "roles": list(vote.roles)}
    return present({**row, "at": rfc3339(vote.at)})


def attempt_row(record: AttemptRecord) -> View:
    return present(
        {
            "attempt": record.attempt,
            "status": record.status,
            "started_at": moment(record.started_at),
            "ended_at": moment(record.ended_at),
            "completed_by": record.completed_by,
            "on_behalf_of": record.on_behalf_of,
            "outcome": record.outcome,
        }
    )
