"""An endpoint's answer, read within a bound that holds for what was sent and for what it unpacks to."""

import zlib
from typing import Any

import httpx
import orjson

from services.automation.domain.answers import Outcome, failure, judge, refused, too_large
from shared.clock import now
from shared.errors import Refused
from shared.json_values import refusal_sentence, storable
from shared.retry_after import retry_after

_EXCERPT_BYTES = 2000
_PLAIN, _PACKED = ("", "identity"), ("gzip", "x-gzip", "deflate")
_ANY_HEADER = 32 + zlib.MAX_WBITS


class _TooLarge(Exception):
    """More than may be read."""


class _Unreadable(Exception):
    """Not in the encoding that the answer names, or in one that was not asked for."""


async def outcome_of(response: httpx.Response, limit: int) -> Outcome:
    """`limit` in bytes."""
    status = response.status_code
    try:
        body = _unpacked(await _raw(response, limit), response.headers.get("content-encoding", ""), limit)
    except _TooLarge:
        return too_large(status, limit)
    except _Unreadable as error:
        return refused(status, f", {error}")
    text = body[:_EXCERPT_BYTES].decode("utf-8", "replace")
    outcome = judge(status, _json(body), text, retry_after(response.headers, now()))
    try:
        storable(outcome.data)
    except Refused as why:
        return failure(f"the endpoint's answer can't be kept: {refusal_sentence(why)}", retryable=False)
    return outcome


async def _raw(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > limit:
            raise _TooLarge
    return bytes(body)


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Packed though it was not asked for, as some servers do; unpacked no further than to the bound."""
    encoding = encoding.strip().lower()
    if encoding in _PLAIN or not body:
        return body
    if encoding not in _PACKED:
        raise _Unreadable(f"packed as {encoding[:50]!r}, which was not asked for")
    try:
        inflater = zlib.decompressobj(_ANY_HEADER)
        unpacked = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise _Unreadable(f"whose body is no {encoding}") from None
    if len(unpacked) > limit:
        raise _TooLarge
    if not inflater.eof:
        raise _Unreadable(f"whose {encoding} breaks off")
    return unpacked


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
