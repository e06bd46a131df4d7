"""The headers of answers, as OpenAPI has them."""

from typing import Any

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "The request's id, as it was sent or made here", "schema": _TEXT},
    "X-RateLimit-Limit": {"description": "Requests that the organization may send in a minute", "schema": _NUMBER},
    "X-RateLimit-Remaining": {"description": "How many of them are left, as far as is known here", "schema": _NUMBER},
    "X-RateLimit-Reset": {"description": "When they are all there again, in seconds since 1970", "schema": _NUMBER},
    "X-Idempotent-Replay": {
        "description": "The request was done before; this is its first answer",
        "schema": {"type": "string", "const": "true"},
    },
    "X-Consistency": {
        "description": "The answer does not show all that was written before",
        "schema": {"type": "string", "const": "behind"},
    },
    "Location": {"description": "Where what was created, or the outcome, is to be seen", "schema": _TEXT},
    "Preference-Applied": {"description": "The preference that was followed", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds after which it may be of use to try again; where it is missing, it is not",
        "schema": _NUMBER,
    },
    "WWW-Authenticate": {"description": "How to authenticate", "schema": {"type": "string", "const": "Bearer"}},
    "ETag": {"description": "Changes with every change", "schema": _TEXT},
}
_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def describe(operation: dict[str, Any], *, etag: bool) -> None:
    """Adds to each of the operation's answers the headers that it may have."""
    taken = {parameter["name"] for parameter in operation["parameters"]}
    takes_key, is_read = "Idempotency-Key" in taken, "Prefer" not in taken
    for status, answer in operation["responses"].items():
        names = ["X-Request-ID", *(() if status == "401" else _LIMITS)]
        names += ["WWW-Authenticate"] if status == "401" else []
        names += ["X-Idempotent-Replay"] if takes_key and int(status) < 500 else []
        names += ["Location"] if status in ("201", "202") else []
        names += ["Preference-Applied"] if status == "202" else []
        names += ["Retry-After"] if status in ("429", "503") or (takes_key and status == "409") else []
        names += ["ETag"] if etag and status in ("200", "304") else []
        names += ["X-Consistency"] if status == "200" and is_read else []
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
