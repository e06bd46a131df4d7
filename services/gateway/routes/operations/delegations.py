"""What the documentation says of the delegations' routes."""

from contracts.rejections import Code
from services.gateway.documentation import Link, Operation
from services.gateway.routes.operations.parameters import PAGE, filtered, moment
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND
from services.gateway.routes.paths import DELEGATIONS
from services.gateway.shapes import answers, requests
from services.gateway.shapes.reads.organization import DelegationPage

_DELEGATION = {"delegation_id": "data/delegation_id"}

CREATE_DELEGATION = Operation(
    method="POST",
    path=DELEGATIONS,
    name="create_delegation",
    tag="Delegations",
    summary="Delegate one's tasks for a time",
    description=(
        "From `starts_at` to `ends_at` the substitute may claim, complete and vote on what the delegator may, by name"
        " or by role, and finds it among their tasks. With `roles` only where a step asks for one of these. What they"
        " do carries both names. The roles that are lent are those of the token that delegates; who delegates for"
        " somebody else needs `step:override` and lends only roles that they name."
    ),
    permission="step:complete",
    answer=answers.Delegation,
    status=201,
    body=requests.DelegationCreation,
    body_examples=("create_delegation",),
    links=(Link("read_delegation", _DELEGATION), Link("revoke_delegation", _DELEGATION)),
    refusals=(*BODY, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

LIST_DELEGATIONS = Operation(
    method="GET",
    path=DELEGATIONS,
    name="list_delegations",
    tag="Delegations",
    summary="List delegations",
    description="Those that end last first. All filters that are given must hold.",
    permission="run:read",
    answer=DelegationPage,
    links=(Link("read_delegation", {"delegation_id": "data/delegations/0/delegation_id"}),),
    query=(
        filtered("delegator", "Only what this user has delegated"),
        filtered("substitute", "Only where this user stands in"),
        moment("ends_from", "Only those that end then or later; of now, those that count or will"),
        *PAGE,
    ),
    refusals=LIST,
)

READ_DELEGATION = Operation(
    method="GET",
    path=f"{DELEGATIONS}/{{delegation_id}}",
    name="read_delegation",
    tag="Delegations",
    summary="Read a delegation",
    description="Also one that has ended or was revoked.",
    permission="run:read",
    answer=answers.Delegation,
    links=(Link("revoke_delegation", _DELEGATION),),
    refusals=NOT_FOUND,
)

REVOKE_DELEGATION = Operation(
    method="DELETE",
    path=f"{DELEGATIONS}/{{delegation_id}}",
    name="revoke_delegation",
    tag="Delegations",
    summary="End a delegation now",
    description="By its delegator, by who made it, or with `step:override`. What was done under it stays.",
    permission="step:complete",
    answer=answers.Delegation,
    refusals=(Code.NOT_FOUND, Code.INVALID_STATE, Code.VALIDATION_ERROR, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

OPERATIONS = (CREATE_DELEGATION, LIST_DELEGATIONS, READ_DELEGATION, REVOKE_DELEGATION)
