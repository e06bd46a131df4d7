"""Groups of refusals that several operations share."""

from contracts.rejections import Code

BODY = (Code.VALIDATION_ERROR, Code.ORGANIZATION_REQUIRED, Code.PAYLOAD_TOO_LARGE)
RUN_COMMAND = (*BODY, Code.NOT_FOUND, Code.INVALID_STATE, Code.IDEMPOTENCY_CONFLICT)
NOT_FOUND = (Code.NOT_FOUND,)
LIST = (Code.VALIDATION_ERROR,)
