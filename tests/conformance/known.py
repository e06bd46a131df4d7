"""What is known to differ from the reference, each by name and with its reason. A row that no longer holds must go."""

from tests.conformance.story import COMPLETE, CREATE, METRICS, PAUSE, START, TIMELINE

Reasons = dict[str, str]

EXAMPLES: dict[str, tuple[str, ...]] = {
    CREATE: ("data.playbook_id",),
    START: ("data.run_id",),
    COMPLETE: ("data.duration_minutes", "data.timeline_entry.details.duration_minutes"),
    PAUSE: ("data.signal_id",),
    TIMELINE: ("data.timeline[[]].details.duration_minutes", "data.summary.time_elapsed_minutes"),
    METRICS: ("data.metrics.*",),
}
"""By request: values that the reference gives as examples only, such as ids and durations. Moments always are."""

ADDED: dict[str, Reasons] = {
    CREATE: {"data.validation.warnings": "what is allowed but may surprise; blocks nothing"},
    COMPLETE: {
        "data.next_steps[].step_name": "the next task stands in the answer, so that nobody has to ask again",
        "data.next_steps[].step_type": "likewise",
        "data.next_steps[].execution_mode": "whether a person or a machine is waited for",
        "data.next_steps[].assignee_roles": "for whom it is, where that is no single person",
        "data.next_steps[].can_complete": "whether the caller may do it",
        "data.next_steps[].approval_options": "what may be answered",
        "data.next_steps[].data": "the data that it needs",
    },
    METRICS: {"data.metrics.outcome_distribution.rejected": "runs that an approval ended: completed, but no success"},
}
"""By request: fields beyond the reference's, and what they are for."""

DIFFERENT: dict[str, Reasons] = {
    METRICS: {
        "type data.metrics.sla_compliance.average_overrun_hours": "null: no run missed its SLA, so there is no average",
    },
}
"""By request: other differences, as `kind path`."""

EVENTS_NOT_HERE: Reasons = {
    "notification_sent": "the tests' stack has no mail server (NOTIFIER_SMTP_URL), and what was not sent is not told; "
    "the notifier's and the timeline's own tests show the entry",
}
"""Events of the reference's timeline that this story does not bring about."""

NOT_PROVOKED: dict[int, str] = {
    202: "comes when no reply came in time, or with `Prefer: respond-async`; tests/e2e/test_two_gateways.py shows it",
    429: "comes when an organization has used up its minute; tests/e2e/test_two_gateways.py shows it",
    500: "comes of a bug only",
    503: "comes when Kafka or an owner is away; the gateway's own tests show it",
}
"""Status codes of the reference that this story does not bring about."""
