"""Policies, calendars and delegations, and what a policy on trial would violate."""

from typing import Any

from contracts.values import Moment
from services.gateway.shapes.answers import Calendar, Delegation, Policy, RunStatus, Shape
from services.gateway.shapes.reads.lists import Listed


class Policies(Shape):
    policies: list[Policy]


class DelegationPage(Listed):
    delegations: list[Delegation]


class PlaybookViolations(Shape):
    playbook_id: str
    name: str
    revision: int
    violations: list[dict[str, Any]]
    """Each with its `step_id`, and what the error of a create would say."""


class RunViolations(Shape):
    run_id: str
    playbook_id: str
    status: RunStatus
    violations: list[dict[str, Any]]
    """Each with its `step_id`, `step_status`, `violation`, and what the refusal would say."""


class TriedPlaybooks(Shape):
    checked: int
    violating: list[PlaybookViolations]
    next: str | None
    """`playbooks_cursor` of the trial that goes on; null where all were looked at."""


class TriedRuns(Shape):
    checked: int
    violating: list[RunViolations]
    next: str | None
    """`runs_cursor` of the trial that goes on; null where all were looked at."""


class PolicyTrialReport(Shape):
    policy: str
    document: dict[str, Any]
    playbooks: TriedPlaybooks
    runs: TriedRuns


class PolicyHistory(Listed):
    revisions: list[Policy]


class Calendars(Shape):
    calendars: list[Calendar]


class CalendarHistory(Listed):
    revisions: list[Calendar]


class Secret(Shape):
    """A named secret, without its value."""

    name: str
    version: int
    """Counts how often the value was changed."""
    created_at: Moment
    updated_at: Moment
    updated_by: str | None


class Secrets(Shape):
    secrets: list[Secret]
