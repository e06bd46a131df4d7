"""What the documentation says of the operations' route."""

from services.gateway.documentation import Operation
from services.gateway.routes.operations.parameters import PAGE, chosen
from services.gateway.routes.operations.refusals import LIST, NOT_FOUND
from services.gateway.shapes.reads.outcomes import BulkResults, OperationOutcome

READ_OPERATION = Operation(
    method="GET",
    path="/api/v1/operations/{operation_id}",
    name="read_operation",
    tag="Operations",
    summary="Read how a command came out",
    description=(
        "A 202 names it in `Location`: no answer came in time, or `Prefer: respond-async` asked for none. `running`"
        " until the command was taken; then `result` is what the answer's `data` would have been, or `error` its error."
        " That stays so for seven days at least, then the operation is 404."
        " Of a playbook it is for holders of `playbook:read`, of a policy or a calendar `policy:read`, of a webhook"
        " `webhook:read`, and else:"
    ),
    permission="run:read",
    answer=OperationOutcome,
    refusals=NOT_FOUND,
)

READ_RESULTS = Operation(
    method="GET",
    path="/api/v1/operations/{operation_id}/results",
    name="read_results",
    tag="Operations",
    summary="Read what became of each run of a bulk operation",
    description="In order of run id.",
    permission="run:read",
    answer=BulkResults,
    query=(chosen("status", "pending", "succeeded", "failed"), *PAGE),
    refusals=(*LIST, *NOT_FOUND),
)

OPERATIONS = (READ_OPERATION, READ_RESULTS)
