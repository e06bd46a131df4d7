"""The routes of the public API, with what the documentation says of each."""

from services.gateway.routes.operations import (
    analytics,
    audit,
    calendars,
    delegations,
    encryption,
    outcomes,
    playbooks,
    policies,
    runs,
    secrets,
    tasks,
    webhooks,
)

OPERATIONS = (
    *playbooks.OPERATIONS,
    *runs.OPERATIONS,
    *tasks.OPERATIONS,
    *policies.OPERATIONS,
    *calendars.OPERATIONS,
    *delegations.OPERATIONS,
    *analytics.OPERATIONS,
    *outcomes.OPERATIONS,
    *audit.OPERATIONS,
    *webhooks.OPERATIONS,
    *encryption.OPERATIONS,
    *secrets.OPERATIONS,
)
