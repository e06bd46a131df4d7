"""What the reference leaves open, and what is there beyond it, by name and with its reason. Nothing else may differ,
and a row that no longer holds must go."""

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
        "data.next_steps[].metadata": "what the playbook says of it: checklists, documents, hints",
    },
    TIMELINE: {"data.timeline[].details.step_id": "which step the e-mail is about"},
    METRICS: {"data.metrics.outcome_distribution.rejected": "runs that an approval ended: completed, but no success"},
}
"""By request: fields beyond the reference's, and what they are for."""
