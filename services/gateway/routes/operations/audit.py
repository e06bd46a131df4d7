"""What the documentation says of the auditors' routes."""

from typing import get_args

from contracts.access_log import AccessOutcome
from services.gateway.documentation import Operation
from services.gateway.routes.operations.parameters import PAGE, chosen
from services.gateway.routes.operations.refusals import LIST, NOT_FOUND
from services.gateway.routes.paths import RUNS
from services.gateway.shapes.reads.audit import AccessLog, Evidence, RunAccessLog, Verification

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

_ACCESS_QUERY = (
    chosen("outcome", *get_args(AccessOutcome), description="Only records of this outcome"),
    *PAGE,
)

READ_RUN_ACCESS = Operation(
    method="GET",
    path=f"{RUNS}/{{run_id}}/access-log",
    name="read_run_access_log",
    tag="Audit",
    summary="Read who saw a run's encrypted fields",
    description=(
        "The newest first: who read encrypted fields in clear, or exported the run's evidence, which fields, when, and"
        " in which request; and which calls about the run were refused, several of a kind within seconds as one record"
        " with their `count`. No record holds a value. A clear value is returned only after its record is stored."
    ),
    permission="audit:read",
    answer=RunAccessLog,
    query=_ACCESS_QUERY,
    refusals=(*NOT_FOUND, *LIST),
)

READ_ORGANIZATION_ACCESS = Operation(
    method="GET",
    path="/api/v1/organization/access-log",
    name="read_access_log",
    tag="Audit",
    summary="Read the organization's access log",
    description=(
        "The records of all runs, and of what belongs to none: keys that were rotated, data that was erased, secrets of"
        " webhooks that were shown, refused calls."
    ),
    permission="audit:read",
    answer=AccessLog,
    query=_ACCESS_QUERY,
    refusals=LIST,
)

OPERATIONS = (VERIFY_TIMELINE, EXPORT_EVIDENCE, READ_RUN_ACCESS, READ_ORGANIZATION_ACCESS)
