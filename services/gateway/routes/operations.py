"""The routes of the public API, with what the documentation says of each."""

from typing import Any

from contracts.rejections import Code
from services.gateway.documentation import Operation, Parameter
from services.gateway.shapes import answers, reads, requests

PLAYBOOKS = "/api/v1/playbooks"
RUNS = "/api/v1/playbook-runs"

_BODY = (Code.VALIDATION_ERROR, Code.ORGANIZATION_REQUIRED, Code.PAYLOAD_TOO_LARGE)
_RUN_COMMAND = (*_BODY, Code.NOT_FOUND, Code.INVALID_STATE, Code.IDEMPOTENCY_CONFLICT)
_NOT_FOUND = (Code.NOT_FOUND,)
_LIST = (Code.VALIDATION_ERROR,)


def _chosen(name: str, *values: str) -> Parameter:
    return Parameter(name, "Only those", {"type": "string", "enum": list(values)})


def _bounded(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


_PAGE = (
    Parameter("limit", "Items on a page", _bounded(1, 100, 20)),
    Parameter("cursor", "`next` of the page before"),
)

CREATE_PLAYBOOK = Operation(
    method="POST",
    path=PLAYBOOKS,
    name="create_playbook",
    tag="Playbooks",
    summary="Create a playbook with inlined steps",
    description=(
        "Checked in this order: shape, smart codes, steps, cycles, policies. `details` shows the first thing that is"
        " wrong, `details.errors` all of it. What is worth a look but does not block comes in `validation.warnings`."
    ),
    permission="playbook:create",
    answer=answers.PlaybookCreated,
    status=201,
    answer_example="playbook_created",
    body=requests.PlaybookCreation,
    body_examples=(
        "create_customer_onboarding",
        "create_patient_intake",
        "create_quality_inspection",
        "create_loan_approval",
        "create_incident_response",
    ),
    refusals=(
        *_BODY,
        Code.SMART_CODE_INVALID,
        Code.POLICY_VIOLATION,
        Code.CIRCULAR_DEPENDENCY,
        Code.CONFLICT,
        Code.IDEMPOTENCY_CONFLICT,
    ),
    refusal_examples=(
        "invalid_step_smart_code",
        "smart_code_invalid",
        "organization_required",
        "policy_violation",
        "circular_dependency",
    ),
    command=True,
)
LIST_PLAYBOOKS = Operation(
    method="GET",
    path=PLAYBOOKS,
    name="list_playbooks",
    tag="Playbooks",
    summary="List playbooks",
    description="Newest first, without their steps.",
    permission="playbook:read",
    answer=reads.PlaybookPage,
    query=(_chosen("status", "active", "archived"), *_PAGE),
    refusals=_LIST,
)
READ_PLAYBOOK = Operation(
    method="GET",
    path=f"{PLAYBOOKS}/{{playbook_id}}",
    name="read_playbook",
    tag="Playbooks",
    summary="Read a playbook",
    description="Its current revision.",
    permission="playbook:read",
    answer=reads.Playbook,
    refusals=_NOT_FOUND,
)
PLAYBOOK_METRICS = Operation(
    method="GET",
    path=f"{PLAYBOOKS}/{{playbook_id}}/metrics",
    name="playbook_metrics",
    tag="Analytics",
    summary="Metrics of a playbook",
    description=(
        "Over the runs created within the period before now. Sees every event that was answered before; where it could"
        " not wait so long, `X-Consistency: behind` says so."
    ),
    permission="playbook:read",
    answer=reads.PlaybookMetrics,
    answer_example="playbook_metrics",
    query=(
        Parameter("period", "Whole hours, days or weeks: `24h`, `30d`, `4w`", {"type": "string", "default": "30d"}),
    ),
    refusals=(Code.VALIDATION_ERROR, Code.NOT_FOUND),
)
START_RUN = Operation(
    method="POST",
    path=RUNS,
    name="start_run",
    tag="Runs",
    summary="Start a run of a playbook",
    description="The run is pinned to the playbook's current revision.",
    permission="run:create",
    answer=answers.RunStarted,
    status=201,
    answer_example="run_started",
    body=requests.RunCreation,
    body_examples=("start_run",),
    refusals=(
        *_BODY,
        Code.SMART_CODE_INVALID,
        Code.POLICY_VIOLATION,
        Code.NOT_FOUND,
        Code.CONFLICT,
        Code.IDEMPOTENCY_CONFLICT,
    ),
    refusal_examples=("organization_required",),
    command=True,
)
LIST_RUNS = Operation(
    method="GET",
    path=RUNS,
    name="list_runs",
    tag="Runs",
    summary="List runs",
    description="Newest first.",
    permission="run:read",
    answer=reads.RunPage,
    query=(
        _chosen("status", "active", "paused", "blocked", "completed", "failed", "cancelled"),
        Parameter("playbook_id", "Only runs of this playbook"),
        *_PAGE,
    ),
    refusals=_LIST,
)
READ_RUN = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}",
    name="read_run",
    tag="Runs",
    summary="Read a run",
    description="Its status, its steps and its data.",
    permission="run:read",
    answer=reads.Run,
    refusals=_NOT_FOUND,
)
COMPLETE_STEP = Operation(
    method="POST",
    path=f"{RUNS}/{{run_id}}/steps/{{step_id}}/complete",
    name="complete_step",
    tag="Runs",
    summary="Complete a step",
    description=(
        "By its assignee or a holder of one of its roles. What the step asks for (form, outputs, documents, limits) is"
        " checked before anything is written. `next_steps` is what the run waits for now."
    ),
    permission="step:complete",
    answer=answers.StepCompleted,
    status=200,
    answer_example="step_completed",
    body=requests.StepCompletion,
    body_examples=("complete_step",),
    refusals=(*_RUN_COMMAND, Code.CONTRACT_VALIDATION_FAILED),
    refusal_examples=("contract_validation_failed", "organization_required"),
    command=True,
)
SIGNAL_RUN = Operation(
    method="POST",
    path=f"{RUNS}/{{run_id}}/signal",
    name="signal_run",
    tag="Runs",
    summary="Send a signal to a run",
    description=(
        "`pause` (until `pause_until`, if given), `resume`, `cancel`, `retry`, `skip` (needs a `reason`), `escalate`,"
        " `reassign` (needs an `assignee`) and `event` (needs a `name`; its `data` is merged into the run's)."
        " The same signals are taken on the Kafka topic `playbook.signals`, see /asyncapi.json."
    ),
    permission="run:update",
    answer=answers.Signalled,
    status=200,
    answer_example="run_paused",
    body=requests.RunSignal,
    body_examples=("pause_run", "cancel_run"),
    refusals=_RUN_COMMAND,
    refusal_examples=("organization_required",),
    command=True,
)
READ_TIMELINE = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/timeline",
    name="read_timeline",
    tag="Runs",
    summary="Read a run's timeline",
    description=(
        "Sees every event that was answered before; where it could not wait so long, `X-Consistency: behind` says so."
    ),
    permission="run:read",
    answer=reads.Timeline,
    answer_example="timeline",
    query=(
        Parameter("include_system_events", "Also the engine's housekeeping", {"type": "boolean", "default": False}),
    ),
    refusals=(Code.VALIDATION_ERROR, Code.NOT_FOUND),
)
LIST_TASKS = Operation(
    method="GET",
    path="/api/v1/tasks",
    name="list_tasks",
    tag="Runs",
    summary="What waits for me",
    description="Open steps for the caller or one of the caller's roles.",
    permission="run:read",
    answer=reads.TaskPage,
    query=_PAGE,
    refusals=_LIST,
)
RUN_ANALYTICS = Operation(
    method="POST",
    path="/api/v1/analytics/playbook-runs",
    name="run_analytics",
    tag="Analytics",
    summary="Analytics over runs",
    description="Groups runs and computes the asked metrics. Sees every event that was answered before.",
    permission="run:read",
    answer=reads.RunAnalytics,
    body=requests.AnalyticsQuery,
    body_examples=("run_analytics",),
    refusals=_BODY,
)

OPERATIONS = (
    CREATE_PLAYBOOK, LIST_PLAYBOOKS, READ_PLAYBOOK, PLAYBOOK_METRICS, START_RUN, LIST_RUNS, READ_RUN, COMPLETE_STEP,
    SIGNAL_RUN, READ_TIMELINE, LIST_TASKS, RUN_ANALYTICS,
)  # fmt: skip
