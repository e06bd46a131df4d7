"""The body that a request brings: read up to a limit, and taken for a JSON object."""

import re
from typing import Any

from fastapi import Request
from pydantic_core import from_json
from starlette.datastructures import Headers

from contracts.rejections import Code
from shared.errors import Refused
from shared.http import invalid

_BOM = b"\xef\xbb\xbf"
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Raises Refused: VALIDATION_ERROR for what is sent as something else than JSON, PAYLOAD_TOO_LARGE."""
    _described(request.headers)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > max_bytes:
            raise _too_large(max_bytes)
    return raw.removeprefix(_BOM)


def json_object(raw: bytes) -> dict[str, Any]:
    """Raises Refused (VALIDATION_ERROR) for what is none."""
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise invalid({"field": "body", "reason": f"The body is not valid JSON: {error}"}) from None
    if not isinstance(body, dict):
        raise invalid({"field": "body", "reason": "The body must be a JSON object"})
    return body


def _described(headers: Headers) -> None:
    """What the headers say of the body, if they say anything, must be what is read here."""
    media_type, coding = headers.get("content-type"), headers.get("content-encoding", "identity")
    if media_type is not None and not _JSON.fullmatch(media_type.split(";")[0].strip().lower()):
        raise _misdescribed("Content-Type", media_type, "Bodies are JSON: application/json")
    charset = _CHARSET.search(media_type or "")
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise _misdescribed("Content-Type", media_type, "Bodies are in UTF-8")
    if coding.strip().lower() not in ("identity", ""):
        raise _misdescribed("Content-Encoding", coding, "Bodies are taken as they are, not compressed")


def _misdescribed(header: str, value: str | None, reason: str) -> Refused:
    return invalid({"field": header, "value": (value or "")[:200], "reason": reason})


def _too_large(max_bytes: int) -> Refused:
    message = f"The request's body is larger than {max_bytes} bytes"
    return Refused(Code.PAYLOAD_TOO_LARGE, message, max_bytes=max_bytes)
