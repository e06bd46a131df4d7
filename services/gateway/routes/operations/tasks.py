"""What the documentation says of the tasks' routes."""

from services.gateway.documentation import Operation
from services.gateway.routes.operations.common import LIST, PAGE
from services.gateway.shapes import reads

LIST_TASKS = Operation(
    method="GET",
    path="/api/v1/tasks",
    name="list_tasks",
    tag="Tasks",
    summary="What waits for me",
    description="Open steps for the caller or one of the caller's roles.",
    permission="run:read",
    answer=reads.TaskPage,
    query=PAGE,
    refusals=LIST,
)

OPERATIONS = (LIST_TASKS,)
