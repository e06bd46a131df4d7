"""What the documentation says of the operations' route."""

from services.gateway.documentation import Operation
from services.gateway.routes.operations.common import NOT_FOUND
from services.gateway.shapes import reads

READ_OPERATION = Operation(
    method="GET",
    path="/api/v1/operations/{operation_id}",
    name="read_operation",
    tag="Operations",
    summary="Read how a command came out",
    description=(
        "A 202 names it in `Location`: no answer came in time, or `Prefer: respond-async` asked for none. `running`"
        " until the command was taken; then `result` is what the answer's `data` would have been, or `error` its error."
    ),
    permission="run:read",
    answer=reads.CommandOutcome,
    refusals=NOT_FOUND,
)

OPERATIONS = (READ_OPERATION,)
