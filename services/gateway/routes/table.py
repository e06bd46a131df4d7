"""All routes of the public API, the busiest first: they are matched in this order."""

from services.gateway.routes.analytics import AnalyticsRoutes
from services.gateway.routes.plain import PlainRoute
from services.gateway.routes.playbooks import PLAYBOOKS, PlaybookRoutes
from services.gateway.routes.runs import RUNS, RunCommandRoutes, RunReadRoutes


def routes(
    commands: RunCommandRoutes, reads: RunReadRoutes, playbooks: PlaybookRoutes, analytics: AnalyticsRoutes
) -> list[PlainRoute]:
    return [
        PlainRoute("POST", f"{RUNS}/{{run_id}}/steps/{{step_id}}/complete", commands.complete),
        PlainRoute("POST", RUNS, commands.start),
        PlainRoute("POST", f"{RUNS}/{{run_id}}/signal", commands.signal),
        PlainRoute("GET", f"{RUNS}/{{run_id}}", reads.read),
        PlainRoute("GET", f"{RUNS}/{{run_id}}/timeline", reads.timeline),
        PlainRoute("GET", RUNS, reads.listing),
        PlainRoute("GET", "/api/v1/tasks", reads.tasks),
        PlainRoute("POST", PLAYBOOKS, playbooks.create),
        PlainRoute("GET", PLAYBOOKS, playbooks.listing),
        PlainRoute("GET", f"{PLAYBOOKS}/{{playbook_id}}", playbooks.read),
        PlainRoute("GET", f"{PLAYBOOKS}/{{playbook_id}}/metrics", playbooks.metrics),
        PlainRoute("POST", "/api/v1/analytics/playbook-runs", analytics.runs),
    ]
