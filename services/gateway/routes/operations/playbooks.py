"""What the documentation says of the playbooks' routes."""

from contracts.rejections import Code
from services.gateway.documentation import IF_MATCH, Link, Operation
from services.gateway.routes.operations.parameters import PAGE, chosen, filtered
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND
from services.gateway.routes.paths import PLAYBOOKS
from services.gateway.shapes import answers, requests
from services.gateway.shapes.reads.playbooks import Playbook, PlaybookPage, Revision

_PLAYBOOK = {"playbook_id": "data/playbook_id"}
_CHANGES = tuple(Link(name, _PLAYBOOK) for name in ("revise_playbook", "archive_playbook", "delete_playbook"))
_DRAFT = (
    *BODY,
    Code.SMART_CODE_INVALID,
    Code.POLICY_VIOLATION,
    Code.CIRCULAR_DEPENDENCY,
    Code.CONFLICT,
    Code.IDEMPOTENCY_CONFLICT,
)
_CHANGE = (Code.VALIDATION_ERROR, Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT)

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
        *_CHANGES,
    ),
    body=requests.PlaybookCreation,
    body_examples=(
        "create_customer_onboarding",
        "create_patient_intake",
        "create_quality_inspection",
        "create_loan_approval",
        "create_incident_response",
    ),
    dry_run=answers.PlaybookChecked,
    refusals=_DRAFT,
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
    description="Newest first, without their steps. All filters that are given must hold.",
    permission="playbook:read",
    answer=PlaybookPage,
    links=(Link("read_playbook", {"playbook_id": "data/playbooks/0/playbook_id"}),),
    query=(
        chosen("status", "active", "archived"),
        filtered("type", "Only of this type"),
        filtered("category", "Only of this category"),
        filtered("smart_code", "Only those whose smart code begins with these whole segments, such as `HERA.CRM`"),
        filtered("q", "Words of name or description, or their beginnings; all of them must be there"),
        *PAGE,
    ),
    refusals=LIST,
)

READ_PLAYBOOK = Operation(
    method="GET",
    path=f"{PLAYBOOKS}/{{playbook_id}}",
    name="read_playbook",
    tag="Playbooks",
    summary="Read a playbook",
    description="Its current revision, and the list of all of them. The ETag is for `If-Match` and `If-None-Match`.",
    permission="playbook:read",
    answer=Playbook,
    etag=True,
    refusals=NOT_FOUND,
)

READ_REVISION = Operation(
    method="GET",
    path=f"{PLAYBOOKS}/{{playbook_id}}/revisions/{{revision}}",
    name="read_revision",
    tag="Playbooks",
    summary="Read one revision of a playbook",
    description="As it was; revisions never change. A run is pinned to the revision that it started with.",
    permission="playbook:read",
    answer=Revision,
    refusals=NOT_FOUND,
)

REVISE_PLAYBOOK = Operation(
    method="PUT",
    path=f"{PLAYBOOKS}/{{playbook_id}}",
    name="revise_playbook",
    tag="Playbooks",
    summary="Update a playbook",
    description=(
        "The body's playbook, whole, becomes the next revision, after the same checks as at create. Runs go on with the"
        " revision that they started with; new ones take this one. With `If-Match` only if nobody changed it meanwhile."
    ),
    permission="playbook:update",
    answer=answers.PlaybookRevised,
    body=requests.PlaybookRevision,
    headers=(IF_MATCH,),
    links=_CHANGES,
    dry_run=answers.PlaybookChecked,
    refusals=(*_DRAFT, Code.NOT_FOUND),
    command=True,
)

ARCHIVE_PLAYBOOK = Operation(
    method="POST",
    path=f"{PLAYBOOKS}/{{playbook_id}}/archive",
    name="archive_playbook",
    tag="Playbooks",
    summary="Archive a playbook",
    description="It starts no more runs; those that are open go on.",
    permission="playbook:update",
    answer=answers.PlaybookStatusChanged,
    body=requests.PlaybookArchiving,
    headers=(IF_MATCH,),
    links=(Link("restore_playbook", _PLAYBOOK), Link("delete_playbook", _PLAYBOOK)),
    refusals=(*BODY, *_CHANGE),
    command=True,
)

RESTORE_PLAYBOOK = Operation(
    method="POST",
    path=f"{PLAYBOOKS}/{{playbook_id}}/restore",
    name="restore_playbook",
    tag="Playbooks",
    summary="Restore an archived playbook",
    description="It starts runs again.",
    permission="playbook:update",
    answer=answers.PlaybookStatusChanged,
    body=requests.PlaybookRestoring,
    headers=(IF_MATCH,),
    refusals=(*BODY, *_CHANGE),
    command=True,
)

DELETE_PLAYBOOK = Operation(
    method="DELETE",
    path=f"{PLAYBOOKS}/{{playbook_id}}",
    name="delete_playbook",
    tag="Playbooks",
    summary="Delete a playbook",
    description=(
        "Refused while runs of it are open. It is shown no more; its runs, their timelines and its revisions stay, and"
        " so does its smart code, which nothing else may take."
    ),
    permission="playbook:delete",
    answer=answers.PlaybookStatusChanged,
    headers=(IF_MATCH,),
    refusals=_CHANGE,
    command=True,
)

OPERATIONS = (
    CREATE_PLAYBOOK, LIST_PLAYBOOKS, READ_PLAYBOOK, READ_REVISION, REVISE_PLAYBOOK, ARCHIVE_PLAYBOOK, RESTORE_PLAYBOOK,
    DELETE_PLAYBOOK,
)  # fmt: skip
