"""What the documentation says of the routes of named secrets."""

from contracts.rejections import Code
from services.gateway.documentation import Operation
from services.gateway.routes.operations.refusals import BODY
from services.gateway.shapes import requests
from services.gateway.shapes.reads.organization import Secret, Secrets

_SECRETS = "/api/v1/secrets"

PUT_SECRET = Operation(
    method="PUT",
    path=f"{_SECRETS}/{{name}}",
    name="put_secret",
    tag="Secrets",
    summary="Set or rotate a secret",
    description=(
        "Automated calls whose `automation_config.auth` names the secret are sent with it from the next attempt on."
        " The value is kept encrypted and never shown again: not in an answer, an event or a log. The same value again"
        " changes nothing."
    ),
    permission="secret:manage",
    answer=Secret,
    body=requests.SecretPut,
    refusals=(*BODY, Code.IDEMPOTENCY_CONFLICT),
    keyed=True,
)

LIST_SECRETS = Operation(
    method="GET",
    path=_SECRETS,
    name="list_secrets",
    tag="Secrets",
    summary="List the organization's secrets",
    description="All of them by name, without their values. Who set, deleted or used one is in the access log.",
    permission="secret:read",
    answer=Secrets,
)

DELETE_SECRET = Operation(
    method="DELETE",
    path=f"{_SECRETS}/{{name}}",
    name="delete_secret",
    tag="Secrets",
    summary="Delete a secret",
    description="Its key is destroyed. Calls that need it fail from the next attempt on.",
    permission="secret:manage",
    answer=Secret,
    refusals=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    keyed=True,
)

OPERATIONS = (PUT_SECRET, LIST_SECRETS, DELETE_SECRET)
