"""What the documentation says of the auditors' routes."""

from services.gateway.documentation import Operation
from services.gateway.routes.operations.refusals import NOT_FOUND
from services.gateway.routes.paths import RUNS
from services.gateway.shapes.reads.audit import Evidence, Verification

VERIFY_TIMELINE = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/timeline/verification",
    name="verify_timeline",
    tag="Audit",
    summary="Verify a run's history",
    description=(
        "Reckons each event's hash anew and follows the chain from the first event to the one that the engine holds as"
        " the run's last. `broken` names the first event that does not hold, or that the engine never wrote, and why;"
        " `incomplete` says that the last events are missing from the timeline."
    ),
    permission="run:read",
    answer=Verification,
    answer_example="timeline_verified",
    refusals=NOT_FOUND,
)

EXPORT_EVIDENCE = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/evidence",
    name="export_evidence",
    tag="Audit",
    summary="Export a run's whole evidence",
    description=(
        "One JSON document: the run, the playbook revision that it is pinned to, its timeline, each event as it was"
        " written, with its hash, and what the verification came to. `make verify FILE=…` checks it without this"
        " system's databases."
    ),
    permission="run:read",
    answer=Evidence,
    refusals=NOT_FOUND,
)

OPERATIONS = (VERIFY_TIMELINE, EXPORT_EVIDENCE)
