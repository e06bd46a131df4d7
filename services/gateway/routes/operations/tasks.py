"""What the documentation says of the tasks' routes."""

from services.gateway.documentation import Link, Operation, Parameter
from services.gateway.routes.operations.parameters import PAGE, chosen, filtered, moment
from services.gateway.routes.operations.refusals import LIST
from services.gateway.shapes.reads.tasks import TaskCounts, TaskPage

_TASK = {"run_id": "data/tasks/0/run_id", "step_id": "data/tasks/0/step_id"}

LIST_TASKS = Operation(
    method="GET",
    path="/api/v1/tasks",
    name="list_tasks",
    tag="Tasks",
    summary="What waits for me",
    description=(
        "Open steps for the caller, for one of the caller's roles, or for anyone, with the form and the data that they"
        " need; by due date, or by priority and then due date."
    ),
    permission="run:read",
    answer=TaskPage,
    query=(
        chosen("assignment", "mine", "unassigned"),
        filtered("priority", "Only of runs of this priority"),
        filtered("playbook_id", "Only of this playbook"),
        Parameter("overdue", "Only those that are late", {"type": "boolean", "default": False}),
        moment("due_from", "Only those due then or later"),
        moment("due_to", "Only those due then or earlier"),
        chosen("sort", "due_at", "priority", description="Both begin with the most urgent"),
        *PAGE,
    ),
    links=(
        Link("claim_step", _TASK),
        Link("complete_step", _TASK),
        Link("read_step", _TASK),
    ),
    refusals=LIST,
)

COUNT_TASKS = Operation(
    method="GET",
    path="/api/v1/tasks/counts",
    name="count_tasks",
    tag="Tasks",
    summary="How much waits for me",
    description=(
        "Of what the list of tasks has without filters; more where the policy `role_order` lets the caller's roles act"
        " for lower ones at some steps only: of these all are counted."
    ),
    permission="run:read",
    answer=TaskCounts,
)

OPERATIONS = (LIST_TASKS, COUNT_TASKS)
