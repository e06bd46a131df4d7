"""What the documentation says of the routes of encrypted data."""

from contracts.rejections import Code
from services.gateway.documentation import Operation
from services.gateway.routes.operations.refusals import BODY
from services.gateway.routes.paths import RUNS
from services.gateway.shapes import answers, requests

_ORGANIZATION = "/api/v1/organization"

ERASE_RUN_DATA = Operation(
    method="DELETE",
    path=f"{RUNS}/{{run_id}}/encrypted-data",
    name="erase_run_data",
    tag="Encryption",
    summary="Erase a run's encrypted data",
    description=(
        "Destroys the run's keys: what its encrypted fields held can't be read any more, wherever a copy stands, on"
        " Kafka too. All else stays, and the timeline says who did it. An open run goes on: conditions on an erased"
        " field do not hold, and new values are encrypted under a new key."
    ),
    permission="data:erase",
    answer=answers.RunDataErased,
    refusals=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

ERASE_ORGANIZATION_DATA = Operation(
    method="DELETE",
    path=f"{_ORGANIZATION}/encrypted-data",
    name="erase_organization_data",
    tag="Encryption",
    summary="Erase all encrypted data of the organization",
    description=(
        "Destroys the organization's keys, and with them what the encrypted fields of all its runs hold, at once. That"
        " each run's timeline says so follows within seconds. New values are encrypted under a new key."
    ),
    permission="data:erase",
    answer=answers.OrganizationDataErased,
    refusals=(Code.IDEMPOTENCY_CONFLICT,),
    keyed=True,
)

ROTATE_KEY = Operation(
    method="POST",
    path=f"{_ORGANIZATION}/encryption-keys",
    name="rotate_key",
    tag="Encryption",
    summary="Encrypt under a new key from now on",
    description="Values that are encrypted later are under the new key; those of before can still be read.",
    permission="key:rotate",
    answer=answers.KeyRotated,
    body=requests.KeyRotation,
    refusals=(*BODY, Code.IDEMPOTENCY_CONFLICT),
    keyed=True,
)

OPERATIONS = (ERASE_RUN_DATA, ERASE_ORGANIZATION_DATA, ROTATE_KEY)
