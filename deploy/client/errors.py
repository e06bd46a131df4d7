"""What a call may raise: everything that is no answer of 2xx, as one family."""

from typing import Any


class ApiError(Exception):
    """The API said no; `code`, `message` and `details` are those of its error."""

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any], request_id: str = "") -> None:
        super().__init__(f"{status} {code}: {message} {details}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.request_id = request_id
        """Ask the operators about this one."""


class Invalid(ApiError):
    """The request itself, or what it does: the other codes of 400, and PAYLOAD_TOO_LARGE. See `details["errors"]`."""


class Unauthorized(ApiError):
    """The token is missing, expired or none."""


class Forbidden(ApiError):
    """The token does not allow this, or names another organization."""


class NotFound(ApiError):
    """There is no such thing in this organization."""


class Conflict(ApiError):
    """The current state does not allow it: CONFLICT, INVALID_STATE, IDEMPOTENCY_CONFLICT."""


class Unavailable(ApiError):
    """Nobody answered, or all were too busy (UNAVAILABLE, RATE_LIMITED), for longer than the client waits."""


class NoOutcome(ApiError):
    """A command counts, and how it came out is not known yet; `details["operation_id"]` says where it will be."""


class Behind(ApiError):
    """The answer does not show all that was written before; `details` is what it shows."""


class NotTheApi(ApiError):
    """Something else answered, such as a proxy."""


_OF_STATUS: dict[int, type[ApiError]] = {
    400: Invalid, 401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 413: Invalid, 429: Unavailable,
    503: Unavailable,
}  # fmt: skip


_STATUS_OF = {
    "FORBIDDEN": 403, "ORGANIZATION_MISMATCH": 403, "NOT_FOUND": 404, "CONFLICT": 409, "INVALID_STATE": 409,
    "IDEMPOTENCY_CONFLICT": 409, "INTERNAL_ERROR": 500,
}  # fmt: skip


def error_of(status: int, error: dict[str, Any], request_id: str = "") -> ApiError:
    """Of the `error` of an answer."""
    kind = _OF_STATUS.get(status, ApiError)
    return kind(status, error["code"], error["message"], error["details"], request_id)


def refusal_of(error: dict[str, Any]) -> ApiError:
    """Of the `error` of an operation, which has no status of its own."""
    return error_of(_STATUS_OF.get(error["code"], 400), error)
