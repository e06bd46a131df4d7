"""The routes of the public API, with what the documentation says of each."""

from services.gateway.routes.operations import analytics, audit, outcomes, playbooks, policies, runs, tasks

OPERATIONS = (
    *playbooks.OPERATIONS,
    *runs.OPERATIONS,
    *tasks.OPERATIONS,
    *policies.OPERATIONS,
    *analytics.OPERATIONS,
    *outcomes.OPERATIONS,
    *audit.OPERATIONS,
)
