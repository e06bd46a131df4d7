"""What the documentation says of the playbooks' routes."""

from contracts.rejections import Code
from services.gateway.documentation import Link, Operation
from services.gateway.routes.operations.common import BODY, LIST, NOT_FOUND, PAGE, PLAYBOOKS, chosen
from services.gateway.shapes import answers, reads, requests

_PLAYBOOK = {"playbook_id": "data/playbook_id"}

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
    links=(
        Link("read_playbook", _PLAYBOOK),
        Link("playbook_metrics", _PLAYBOOK),
        Link("start_run", body={"run": _PLAYBOOK}),
    ),
    body=requests.PlaybookCreation,
    body_examples=(
        "create_customer_onboarding",
        "create_patient_intake",
        "create_quality_inspection",
        "create_loan_approval",
        "create_incident_response",
    ),
    refusals=(
        *BODY,
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
    links=(Link("read_playbook", {"playbook_id": "data/playbooks/0/playbook_id"}),),
    query=(chosen("status", "active", "archived"), *PAGE),
    refusals=LIST,
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
    refusals=NOT_FOUND,
)

OPERATIONS = (CREATE_PLAYBOOK, LIST_PLAYBOOKS, READ_PLAYBOOK)
