"""What the documentation says of the runs' routes."""

from contracts.permissions import RUN_DATA, RUN_UPDATE, TO_SIGNAL
from contracts.rejections import Code
from services.gateway.documentation import IF_MATCH, Link, Operation, Parameter
from services.gateway.routes.operations.parameters import PAGE, chosen, filtered, moment
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND, RUN_COMMAND
from services.gateway.routes.paths import RUNS
from services.gateway.shapes import answers, requests
from services.gateway.shapes.reads.audit import Timeline
from services.gateway.shapes.reads.runs import Run, RunPage, Step, Waiting

_RUN = {"run_id": "data/run_id"}
_READ, _TIMELINE, _SIGNAL = (Link(name, _RUN) for name in ("read_run", "read_timeline", "signal_run"))

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
    links=(_READ, _TIMELINE, _SIGNAL, Link("complete_step", {**_RUN, "step_id": "data/steps_status/0/step_id"})),
    refusals=(
        *BODY,
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
    description=(
        "Newest first, unless `sort` says otherwise; `overdue` runs by due date, those of a range of changes by change."
        " All filters that are given must hold; ranges include their ends. What is over, paused or never due comes last"
        " by due date."
    ),
    permission="run:read",
    answer=RunPage,
    links=(Link("read_run", {"run_id": "data/runs/0/run_id"}),),
    query=(
        chosen("status", "active", "paused", "blocked", "completed", "failed", "cancelled"),
        filtered("playbook_id", "Only runs of this playbook"),
        filtered("entity_id", "Only runs about this entity, as their context names it"),
        filtered("entity_type", "Only runs about this kind of entity"),
        filtered("assignee", "Only runs with an open step of this person's"),
        filtered("priority", "Only runs of this priority"),
        Parameter("overdue", "Only runs that are late", {"type": "boolean", "default": False}),
        *(
            moment(f"{what}_{end}", f"Only runs {what} then or {word}")
            for what in ("created", "updated")
            for end, word in (("from", "later"), ("to", "earlier"))
        ),
        chosen("sort", "-created_at", "created_at", "-updated_at", "due_at", description="`-` is descending"),
        *PAGE,
    ),
    refusals=LIST,
)

READ_RUN = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}",
    name="read_run",
    tag="Runs",
    summary="Read a run",
    description="Its status, its steps and its data. The ETag is for `If-Match` and `If-None-Match`.",
    permission="run:read",
    answer=Run,
    etag=True,
    refusals=NOT_FOUND,
)

UPDATE_RUN = Operation(
    method="PATCH",
    path=f"{RUNS}/{{run_id}}",
    name="update_run",
    tag="Runs",
    summary="Update a run's data, metadata or priority",
    description=(
        "Values are merged over those that are there, while the run is open, pauses included. Blocked steps look again"
        " whether their conditions hold. With `If-Match` only if nothing happened to the run meanwhile."
    ),
    permission=RUN_UPDATE,
    also_permitted_by=(RUN_DATA,),
    answer=answers.RunUpdated,
    body=requests.RunUpdate,
    headers=(IF_MATCH,),
    links=(_READ, _TIMELINE),
    refusals=(*RUN_COMMAND, Code.CONFLICT),
    command=True,
)

EXPLAIN_RUN = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/why",
    name="explain_run",
    tag="Runs",
    summary="Explain what a run waits for",
    description="Which condition came out how, who could act, and since when.",
    permission="run:read",
    answer=Waiting,
    refusals=NOT_FOUND,
)

READ_STEP = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/steps/{{step_id}}",
    name="read_step",
    tag="Runs",
    summary="Read a step of a run",
    description="What it asks for, what came of it, and all attempts at it.",
    permission="run:read",
    answer=Step,
    refusals=NOT_FOUND,
)

CLAIM_STEP = Operation(
    method="POST",
    path=f"{RUNS}/{{run_id}}/steps/{{step_id}}/claim",
    name="claim_step",
    tag="Tasks",
    summary="Claim a step",
    description=(
        "The caller, who may complete it, becomes its assignee. 409 `CONFLICT` if somebody else was first;"
        " 403 if the caller could not have claimed it either way."
    ),
    permission="step:complete",
    answer=answers.StepAssignment,
    body=requests.StepClaim,
    links=tuple(
        Link(name, {**_RUN, "step_id": "data/step_id"}) for name in ("complete_step", "release_step", "read_step")
    ),
    refusals=(*RUN_COMMAND, Code.CONFLICT),
    command=True,
)

RELEASE_STEP = Operation(
    method="POST",
    path=f"{RUNS}/{{run_id}}/steps/{{step_id}}/release",
    name="release_step",
    tag="Tasks",
    summary="Release a step",
    description="Its assignee, or a holder of `step:override`, gives it back to those whose roles it asks for.",
    permission="step:complete",
    answer=answers.StepAssignment,
    body=requests.StepRelease,
    refusals=RUN_COMMAND,
    command=True,
)

COMPLETE_STEP = Operation(
    method="POST",
    path=f"{RUNS}/{{run_id}}/steps/{{step_id}}/complete",
    name="complete_step",
    tag="Runs",
    summary="Complete a step",
    description=(
        "By its assignee or a holder of one of its roles. What the step asks for (form, outputs, documents, limits) is"
        " checked before anything is written. `next_steps` is what the run waits for now. An automated step requires"
        " `step:work` (or `step:override`) until it has fallen back to people."
    ),
    permission="step:complete",
    also_permitted_by=("step:work",),
    answer=answers.StepCompleted,
    status=200,
    answer_example="step_completed",
    links=(
        Link("complete_step", {"run_id": "data/run_status/run_id", "step_id": "data/next_steps/0/step_id"}),
        Link("read_timeline", {"run_id": "data/run_status/run_id"}),
    ),
    body=requests.StepCompletion,
    body_examples=("complete_step",),
    refusals=(*RUN_COMMAND, Code.CONTRACT_VALIDATION_FAILED),
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
        " The same signals are taken on the Kafka topic `playbook.signals`, see /asyncapi.json. Each type has its own"
        " permission, which `run:update` includes. Skipping a required step requires `step:skip`."
    ),
    permission=RUN_UPDATE,
    also_permitted_by=TO_SIGNAL,
    answer=answers.Signalled,
    status=200,
    answer_example="run_paused",
    links=(_READ, _TIMELINE, _SIGNAL),
    body=requests.RunSignal,
    body_examples=("pause_run", "cancel_run"),
    refusals=RUN_COMMAND,
    refusal_examples=("organization_required",),
    command=True,
)

SIGNAL_RUNS = Operation(
    method="POST",
    path=f"{RUNS}/bulk-signal",
    name="signal_runs",
    tag="Runs",
    summary="Send a signal to many runs",
    description=(
        "To those of `filter.run_ids`, or to all that fit the other filters: open ones where no `status` is given, and"
        " for a retry failed ones too. Each run gets the signal as if it came alone, with all checks; the operation at"
        " `Location` counts what came of it, and lists it run by run."
    ),
    permission=RUN_UPDATE,
    also_permitted_by=TO_SIGNAL,
    answer=answers.Accepted,
    status=202,
    links=(
        Link("read_operation", {"operation_id": "data/operation_id"}),
        Link("read_results", {"operation_id": "data/operation_id"}),
    ),
    body=requests.BulkSignal,
    dry_run=answers.BulkMatches,
    refusals=(*BODY, Code.IDEMPOTENCY_CONFLICT),
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
    answer=Timeline,
    answer_example="timeline",
    query=(
        Parameter("include_system_events", "Also the engine's housekeeping", {"type": "boolean", "default": False}),
    ),
    refusals=(Code.VALIDATION_ERROR, Code.NOT_FOUND),
)

OPERATIONS = (
    START_RUN, LIST_RUNS, READ_RUN, UPDATE_RUN, EXPLAIN_RUN, READ_STEP, CLAIM_STEP, RELEASE_STEP, COMPLETE_STEP,
    SIGNAL_RUN, SIGNAL_RUNS, READ_TIMELINE,
)  # fmt: skip
