"""What the descriptions of several operations share."""

from typing import Any

from contracts.rejections import Code
from services.gateway.documentation import Parameter

PLAYBOOKS = "/api/v1/playbooks"
RUNS = "/api/v1/playbook-runs"
POLICIES = "/api/v1/policies"
CALENDARS = "/api/v1/calendars"
WEBHOOKS = "/api/v1/webhooks"
DELEGATIONS = "/api/v1/delegations"

BODY = (Code.VALIDATION_ERROR, Code.ORGANIZATION_REQUIRED, Code.PAYLOAD_TOO_LARGE)
RUN_COMMAND = (*BODY, Code.NOT_FOUND, Code.INVALID_STATE, Code.IDEMPOTENCY_CONFLICT)
NOT_FOUND = (Code.NOT_FOUND,)
LIST = (Code.VALIDATION_ERROR,)


def filtered(name: str, description: str) -> Parameter:
    return Parameter(name, description, {"type": "string", "minLength": 1, "maxLength": 200})


def chosen(name: str, *values: str, description: str = "Only those") -> Parameter:
    return Parameter(name, description, {"type": "string", "enum": list(values)})


def moment(name: str, description: str) -> Parameter:
    return Parameter(name, description, {"type": "string", "format": "date-time"})


def bounded(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


PAGE = (
    Parameter("limit", "Items on a page", bounded(1, 100, 20)),
    Parameter("cursor", "`next` of the page before", {"type": "string", "minLength": 1}),
)
