"""What the documentation says of the policies' routes."""

from contracts.policies import POLICIES as KINDS
from contracts.rejections import Code
from services.gateway.documentation import IF_MATCH, Link, Operation
from services.gateway.routes.operations.parameters import PAGE
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND
from services.gateway.routes.paths import POLICIES
from services.gateway.shapes import answers, requests
from services.gateway.shapes.reads.organization import Policies, PolicyHistory, PolicyTrialReport

_NAMES = ", ".join(f"`{kind}`" for kind in KINDS)
_POLICY = {"policy": "data/policy"}

LIST_POLICIES = Operation(
    method="GET",
    path=POLICIES,
    name="list_policies",
    tag="Policies",
    summary="List the organization's policies",
    description=f"All of them, as they are in force: {_NAMES}. One that was never put is there with its default.",
    permission="policy:read",
    answer=Policies,
    links=(Link("read_policy", {"policy": "data/policies/0/policy"}),),
)

READ_POLICY = Operation(
    method="GET",
    path=f"{POLICIES}/{{policy}}",
    name="read_policy",
    tag="Policies",
    summary="Read a policy",
    description=f"As it is in force; `policy` is one of {_NAMES}. The ETag is its revision, for `If-Match`.",
    permission="policy:read",
    answer=answers.Policy,
    etag=True,
    links=(Link("read_policy_history", _POLICY),),
    refusals=NOT_FOUND,
)

PUT_POLICY = Operation(
    method="PUT",
    path=f"{POLICIES}/{{policy}}",
    name="put_policy",
    tag="Policies",
    summary="Change a policy",
    description=(
        "The body's document, whole, becomes the next revision; what it leaves out is as it is by default. It is in"
        " force when this is answered: for playbooks that are created or changed, runs that start, steps that are"
        " completed. (`X-Consistency: behind` says that it is not yet, and will be in a moment.) Playbooks and runs"
        " that are there already stay as they are. With `If-Match` only if nobody changed it meanwhile."
    ),
    permission="policy:update",
    answer=answers.Policy,
    body=requests.PolicyPut,
    body_examples=("put_approval_limit", "put_notifications", "put_segregation_of_duties"),
    headers=(IF_MATCH,),
    links=(Link("read_policy", _POLICY), Link("read_policy_history", _POLICY)),
    refusals=(*BODY, Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

READ_POLICY_HISTORY = Operation(
    method="GET",
    path=f"{POLICIES}/{{policy}}/history",
    name="read_policy_history",
    tag="Policies",
    summary="Read all revisions of a policy",
    description="Newest first: who put each, when, why, and the document. They are kept for good.",
    permission="policy:read",
    answer=PolicyHistory,
    query=PAGE,
    refusals=(*LIST, *NOT_FOUND),
)

TRY_POLICY = Operation(
    method="POST",
    path=f"{POLICIES}/{{policy}}/trial",
    name="try_policy",
    tag="Policies",
    summary="Try a policy before it is put",
    description=(
        "What would break it if it were in force now: active playbooks that could not be created and whose runs would"
        " not start; open runs by step, such as an approval that none of its roles could give any more, or two steps"
        " that one user has done. Nothing is written. Up to 500 playbooks and 500 runs are looked at; `next` goes on."
    ),
    permission="policy:update",
    answer=PolicyTrialReport,
    body=requests.PolicyTrial,
    body_examples=("try_financial_controls",),
    refusals=(*BODY, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    keyed=True,
)

OPERATIONS = (LIST_POLICIES, READ_POLICY, PUT_POLICY, READ_POLICY_HISTORY, TRY_POLICY)
