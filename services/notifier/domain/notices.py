"""What people are told: of steps that wait for them, and who started a run of how it goes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.events import Event, RunCancelled, RunCompleted, RunCreated, RunFailed, RunOverdue
from contracts.organization_documents import OrganizationDocumentChanged
from contracts.policies import Delegation

NoticeType = Literal[
    "step_assignment", "step_offer", "step_escalation", "step_overdue", "step_reminder", "run_overdue",
    "run_completed", "run_failed", "run_cancelled", "delegation", "webhook_disabled",
]  # fmt: skip
RUN_NEWS: dict[type[Event], NoticeType] = {
    RunOverdue: "run_overdue",
    RunCompleted: "run_completed",
    RunFailed: "run_failed",
    RunCancelled: "run_cancelled",
}
"""Of what who started a run is told."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is to be told."""

    run_id: str | None
    """None where it is about no run."""
    sequence: int
    """Of the event in its run."""
    organization_id: str
    recipient: str
    type: NoticeType
    step_id: str | None = None
    step_name: str | None = None
    due_at: datetime | None = None
    reason: str | None = None
    outcome: str | None = None
    playbook_name: str | None = None
    webhook_id: str | None = None
    url: str | None = None
    role: str | None = None
    """As whose holder the recipient is told."""
    on_behalf_of: str | None = None
    """As whose substitute."""
    until: datetime | None = None
    """So long the recipient stands in."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which event of which run it is about."""

    run_id: str
    sequence: int
    organization_id: str


@dataclass(frozen=True, slots=True)
class StartedRun:
    """Of what playbook a run is, and who is told how it goes."""

    run_id: str
    started_by: str | None
    """None where it was no person."""
    playbook_name: str


def started(run_id: str, event: Event) -> StartedRun | None:
    """None for all but the start of a run."""
    if not isinstance(event, RunCreated):
        return None
    return StartedRun(run_id, event.actor.id if event.actor.type == "user" else None, event.playbook.name)


def of_run(source: Source, event: Event, run: StartedRun | None) -> list[Notice]:
    """To who started the run, unless they did it themselves."""
    kind = RUN_NEWS.get(type(event))
    if kind is None or run is None or run.started_by is None or run.started_by in doers(event):
        return []
    return [
        Notice(
            run_id=source.run_id,
            sequence=source.sequence,
            organization_id=source.organization_id,
            recipient=run.started_by,
            type=kind,
            playbook_name=run.playbook_name,
            due_at=event.due_at if isinstance(event, RunOverdue) else None,
            reason=_reason(event),
            outcome=event.outcome if isinstance(event, RunCompleted) else None,
        )
    ]


def of_delegation(organization_id: str, event: OrganizationDocumentChanged, delegation: Delegation) -> Notice | None:
    """To the substitute, unless they made it themselves."""
    if event.actor.id == delegation.substitute:
        return None
    return Notice(
        run_id=None,
        sequence=event.revision,
        organization_id=organization_id,
        recipient=delegation.substitute,
        type="delegation",
        reason=delegation.reason,
        role=", ".join(delegation.roles) if delegation.roles else None,
        on_behalf_of=delegation.delegator,
        until=delegation.ends_at,
    )


def doers(event: Event) -> set[str]:
    """Who brought it about, and knows."""
    return {event.actor.id, getattr(event, "caused_by", None) or event.actor.id}


def _reason(event: Event) -> str | None:
    if isinstance(event, RunCancelled):
        return event.signal.reason
    return event.reason if isinstance(event, RunFailed) else None
