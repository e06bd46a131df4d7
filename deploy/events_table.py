"""docs/events.md: what can happen to a run, as timeline and webhooks name it, written from the registered events."""

from contracts.entries import event_type
from contracts.events import HOUSEKEEPING, RUN_EVENTS

_HEAD = """# What happens to a run

The `event_type` of each entry of a timeline, which [webhooks](webhooks.md) subscribe to by the same names; made by
`make schemas`. Housekeeping is what the timeline shows with `include_system_events=true` only. An entry's `details`
hold names, figures and reasons, never values of forms or data.

| `event_type` | what happened | housekeeping |
| --- | --- | --- |
"""
MEANINGS = {
    "run_created": "A run was started",
    "step_started": "An attempt at a step began: for whom, and by which calendar its dates were reckoned",
    "step_completed": "A step was done, with its outcome: by whom, and in whose place",
    "step_failed": "An attempt at a step failed for good",
    "step_skipped": "A step was left out: its conditions did not hold, an option jumped over it, or somebody said so",
    "step_blocked": "A required step's conditions did not hold",
    "step_cancelled": "An open step ended with its run",
    "steps_returned": "Work was sent back to an earlier step; the steps after it are pending again",
    "step_retried": "A failed step gets a fresh attempt",
    "step_assigned": "A step was given to somebody, claimed or reassigned",
    "step_offered": "An open step was given to several users, of whom any may act",
    "step_released": "Its assignee gave a step back",
    "step_escalated": "Roles, or an assignee, were added to those who may act",
    "step_overdue": "An open step is late: its response time, time-out or due date has passed",
    "reminder_due": "An open step is due soon",
    "approval_recorded": "A vote on a step that needs several",
    "automation_requested": "A machine was asked to do a step",
    "automation_attempt_failed": "A machine's try failed; `retry_at` where there is another",
    "automation_fell_back": "An automated step became human work",
    "late_result_recorded": "A machine answered when it could change nothing any more",
    "data_updated": "The run's data, metadata or priority were changed, by somebody or by an event",
    "encrypted_data_erased": "What encrypted fields held can't be read any more",
    "run_paused": "The run stands still",
    "run_resumed": "It goes on, by hand or at `resume_date`",
    "run_overdue": "The playbook's SLA has passed, and the run goes on",
    "run_blocked": "Nothing can go on until conditions hold",
    "run_unblocked": "Something can go on again",
    "run_completed": "The run is over, with `success` or `rejected`",
    "run_failed": "A required step failed",
    "run_reopened": "A failed run is active again",
    "run_cancelled": "Somebody ended the run",
    "notification_sent": "A mail server accepted an e-mail about it",
    "notification_failed": "An e-mail was given up: nobody was told",
}


def events_table() -> str:
    return _HEAD + "".join(_row(event.__name__) for event in RUN_EVENTS)


def _row(name: str) -> str:
    return f"| `{event_type(name)}` | {MEANINGS[event_type(name)]} | {'yes' if name in HOUSEKEEPING else ''} |\n"
