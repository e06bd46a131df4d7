"""All routes of the public API, the busiest first: they are matched in this order."""

from services.gateway.routes import operations
from services.gateway.routes.analytics import AnalyticsRoutes
from services.gateway.routes.plain import PlainRoute
from services.gateway.routes.playbooks import PlaybookRoutes
from services.gateway.routes.runs import RunCommandRoutes, RunReadRoutes


def routes(
    commands: RunCommandRoutes, reads: RunReadRoutes, playbooks: PlaybookRoutes, analytics: AnalyticsRoutes
) -> list[PlainRoute]:
    return [
        operations.COMPLETE_STEP.route(commands.complete),
        operations.START_RUN.route(commands.start),
        operations.SIGNAL_RUN.route(commands.signal),
        operations.READ_RUN.route(reads.read),
        operations.READ_TIMELINE.route(reads.timeline),
        operations.LIST_RUNS.route(reads.listing),
        operations.LIST_TASKS.route(reads.tasks),
        operations.CREATE_PLAYBOOK.route(playbooks.create),
        operations.LIST_PLAYBOOKS.route(playbooks.listing),
        operations.READ_PLAYBOOK.route(playbooks.read),
        operations.PLAYBOOK_METRICS.route(playbooks.metrics),
        operations.RUN_ANALYTICS.route(analytics.runs),
    ]
