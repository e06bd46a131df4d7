"""HTTP: the envelope of answers and errors, and the status of each code."""

from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from contracts.rejections import Code, Rejection
from shared.errors import Refused, Unavailable

STATUS_OF: dict[Code, int] = {
    Code.VALIDATION_ERROR: 400,
    Code.SMART_CODE_INVALID: 400,
    Code.ORGANIZATION_REQUIRED: 400,
    Code.CONTRACT_VALIDATION_FAILED: 400,
    Code.POLICY_VIOLATION: 400,
    Code.CIRCULAR_DEPENDENCY: 400,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.ORGANIZATION_MISMATCH: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.INVALID_STATE: 409,
    Code.IDEMPOTENCY_CONFLICT: 409,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL_ERROR: 500,
    Code.UNAVAILABLE: 503,
}
_CODE_OF_STATUS = {404: Code.NOT_FOUND, 401: Code.UNAUTHORIZED, 403: Code.FORBIDDEN, 413: Code.PAYLOAD_TOO_LARGE}
log = structlog.get_logger()


def success(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`{"success": true, "data": …}`."""
    body = orjson.dumps({"success": True, "data": data}, default=str)
    return Response(body, status, headers, media_type="application/json")


def failure(rejection: Rejection, headers: dict[str, str] | None = None) -> Response:
    """`{"success": false, "error": {"code", "message", "details"}}` with the code's status."""
    error = {"code": rejection.code.value, "message": rejection.message, "details": rejection.details}
    body, status = orjson.dumps({"success": False, "error": error}, default=str), STATUS_OF[rejection.code]
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # RFC 9110 demands it
    return Response(body, status, challenge | (headers or {}), media_type="application/json")


def field_path(location: Sequence[int | str]) -> str:
    """`steps[3].conditions.pre[0].operator`, as the client sent it."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def invalid(*problems: dict[str, Any]) -> Refused:
    """VALIDATION_ERROR: each problem has `field`, `reason` and, where there is one, `value`."""
    return Refused(Code.VALIDATION_ERROR, "Request validation failed", **problems[0], errors=list(problems))


def validation_rejection(errors: Sequence[Any]) -> Rejection:
    """A VALIDATION_ERROR of pydantic's errors: the first in the details, all of them in `details.errors`."""
    found = [_problem(error) for error in errors]
    return Rejection(
        code=Code.VALIDATION_ERROR, message="Request validation failed", details={**found[0], "errors": found}
    )


def _problem(error: Any) -> dict[str, Any]:
    location, value, reason = error["loc"], error.get("input"), error["msg"].removeprefix("Value error, ")
    if error.get("type") == "missing":  # its input is all that is around it
        value = None
    about = error.get("ctx", {})
    reason = _in_words_of_json(error.get("type", ""), about) or reason
    if "discriminator" in about:  # of the field that tells kinds apart
        location, value = (*location, about["discriminator"].strip("'")), about.get("tag")
        reason = f"Input should be one of {about['expected_tags']}" if "tag" in about else "Field required"
    return {"field": field_path(location) or "body", "value": shortened(value), "reason": reason}


def _in_words_of_json(kind: str, about: dict[str, Any]) -> str | None:
    """Pydantic speaks of dictionaries, tuples and classes, which no client has sent."""
    match kind:
        case "extra_forbidden":
            return "There is no such field"
        case "dict_type" | "model_type" | "dataclass_type":
            return "Input should be an object"
        case "list_type" | "tuple_type":
            return "Input should be an array"
        case "too_short":
            return f"It should hold {about['min_length']} or more"
        case "too_long":
            return f"It should hold {about['max_length']} at most"
        case _:
            return None


def shortened(value: Any) -> Any:
    """As it is told to who sent it: what is long, as text that is cut."""
    text = repr(value)
    return value if len(text) <= 200 else f"{text[:200]}…"


def _allowed(request: Request) -> dict[str, list[str]]:
    """What else may be done with the path, if it is one."""
    found = [route for route in request.app.routes if route.matches(request.scope)[0] is Match.PARTIAL]
    exact = [route for route in found if route.path == request.url.path]  # not what a parameter could be
    methods = sorted({method for route in exact or found for method in route.methods})
    return {"allowed_methods": methods} if methods else {}


def install_error_handlers(app: FastAPI) -> None:
    """Whatever goes wrong comes out in the envelope; a stack trace goes to the log and to no caller."""

    async def on_refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return failure(error.rejection)

    async def on_unavailable(_: Request, error: Exception) -> Response:
        assert isinstance(error, Unavailable)
        log.warning("unavailable", error=str(error))
        headers = {"Retry-After": str(error.retry_after_seconds)}
        return failure(Rejection(code=Code.UNAVAILABLE, message=str(error)), headers)

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [{**e, "loc": e["loc"][1:] or e["loc"]} for e in error.errors()]
        return failure(validation_rejection(errors))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODE_OF_STATUS.get(error.status_code)
        if code is None and error.status_code == 405:
            code = Code.NOT_FOUND
        if code != Code.NOT_FOUND:
            return failure(Rejection(code=code or Code.VALIDATION_ERROR, message=str(error.detail)))
        allowed = _allowed(request)
        nothing = Rejection(code=code, message=f"There is no {request.method} {request.url.path}", details=allowed)
        return failure(nothing, {"Allow": ", ".join(allowed["allowed_methods"])} if allowed else None)

    async def on_surprise(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=error)
        return failure(Rejection(code=Code.INTERNAL_ERROR, message="Something went wrong here; it has been logged"))

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(Unavailable, on_unavailable)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_surprise)
