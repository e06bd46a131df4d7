"""What the documentation says of the figures' routes."""

from contracts.rejections import Code
from services.gateway.documentation import Operation, Parameter
from services.gateway.routes.operations.refusals import BODY
from services.gateway.routes.paths import PLAYBOOKS
from services.gateway.shapes import requests
from services.gateway.shapes.reads.analytics import PlaybookMetrics, RunAnalytics

PLAYBOOK_METRICS = Operation(
    method="GET",
    path=f"{PLAYBOOKS}/{{playbook_id}}/metrics",
    name="playbook_metrics",
    tag="Analytics",
    summary="Metrics of a playbook",
    description=(
        "Over the runs created within the period before now; those of a deleted playbook stay. Sees every event that"
        " was answered before; where it could not wait so long, `X-Consistency: behind` says so."
    ),
    permission="playbook:read",
    answer=PlaybookMetrics,
    answer_example="playbook_metrics",
    query=(
        Parameter(
            "period",
            "Whole hours, days or weeks: `24h`, `30d`, `4w`",
            {"type": "string", "default": "30d", "pattern": "^[1-9][0-9]{0,3}[hdw]$"},
        ),
    ),
    refusals=(Code.VALIDATION_ERROR, Code.NOT_FOUND),
)

RUN_ANALYTICS = Operation(
    method="POST",
    path="/api/v1/analytics/playbook-runs",
    name="run_analytics",
    tag="Analytics",
    summary="Analytics over runs",
    description=(
        "Groups runs and computes the asked metrics. Sees every event that was answered before. Under an"
        " `Idempotency-Key` a repeat gets the figures of its first answer."
    ),
    permission="run:read",
    answer=RunAnalytics,
    body=requests.AnalyticsQuery,
    body_examples=("run_analytics",),
    refusals=(*BODY, Code.IDEMPOTENCY_CONFLICT),
    keyed=True,
)

OPERATIONS = (PLAYBOOK_METRICS, RUN_ANALYTICS)
