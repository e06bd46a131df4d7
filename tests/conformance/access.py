"""Who gets in where: every operation, asked in every way that must not get through, as one table.

A case changes one thing about a request that would succeed. `SPARES` names what has no such thing.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jwt
import orjson

from deploy.permissions_table import BESIDE
from services.gateway.documentation import Operation
from services.gateway.routes.operations import OPERATIONS
from tests.issuer import forged, new_key

ISSUER, AUDIENCE = "https://issuer.test", "hera-playbooks"
OURS, THEIRS = "org_ours", "org_theirs"
BODY_BYTES = 1024 * 1024
PUBLISHED = new_key("ES256", "published")
"""The issuer's, which the gateway knows beside the secret."""
OTHER_SECRET = "another secret, of thirty-two bytes or more"

PERMISSIONS = {*BESIDE, *(operation.permission for operation in OPERATIONS)}

Json = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request before it is sent: what a case may change of it."""

    operation: Operation
    ids: Mapping[str, str]
    """By name of a path's parameter."""
    body: Json | None
    secret: str
    organization_id: str = OURS
    permissions: tuple[str, ...] = ("*",)
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Over those of a good token; None takes one away."""
    algorithm: str = "HS256"
    sign: Callable[..., str] | None = None
    """Makes a token of claims otherwise than by the secret."""
    authorization: str | None = ""
    """As it is sent; empty: the token's; None: no header."""
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return re.sub(r"{(\w+)}", lambda match: self.ids[match[1]], self.operation.path)

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "sub": "somebody", "organization_id": self.organization_id, "permissions": list(self.permissions),
            "roles": [], "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600, **self.claims,
        }  # fmt: skip
        if self.sign:
            return self.sign(**claims)
        key = "" if self.algorithm == "none" else self.secret
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=self.algorithm)

    def content(self) -> bytes | None:
        if self.raw is not None or self.body is None:
            return self.raw
        return orjson.dumps({"organization_id": self.organization_id, **self.body})

    def all_headers(self) -> dict[str, str]:
        authorization = f"Bearer {self.token()}" if self.authorization == "" else self.authorization
        content_type = {"Content-Type": "application/json"} if self.content() is not None else {}
        return {**({"Authorization": authorization} if authorization else {}), **content_type, **self.headers}


Change = Callable[[Ask], Ask | None]
"""The request with its one fault; None where the operation has no place for it."""


@dataclass(frozen=True, slots=True)
class Case:
    status: int
    code: str
    change: Change


def _claims(**claims: Any) -> Change:
    return lambda ask: replace(ask, claims=claims)


def _without_permission(ask: Ask) -> Ask:
    """With every other permission that there is."""
    sufficient = {ask.operation.permission, *ask.operation.also_permitted_by}
    return replace(ask, permissions=tuple(PERMISSIONS - sufficient))


def _broken(ask: Ask) -> Ask | None:
    return replace(ask, raw=b'{"organization_id": "org_ours", ') if ask.body is not None else None


def _oversized(ask: Ask) -> Ask | None:
    padding = {**ask.body, "padding": "x" * BODY_BYTES} if ask.body is not None else None
    return replace(ask, body=padding) if padding else None


def _without_organization(ask: Ask) -> Ask | None:
    return replace(ask, raw=orjson.dumps(ask.body)) if ask.body is not None else None


def _unknown(ask: Ask) -> Ask | None:
    """An id of the right form that nobody has, in place of the path's first."""
    if not ask.ids or "{" not in ask.operation.path or ask.operation.name in ("put_calendar", "put_secret"):
        return None  # what nobody has yet is made
    first = re.findall(r"{(\w+)}", ask.operation.path)[0]
    return replace(ask, ids={**ask.ids, first: nobodys(ask.ids[first])})


def nobodys(known: str) -> str:
    """An id that nobody has; a number stays what it is."""
    prefix, is_id, _ = known.partition("_")
    return f"{prefix}_00000000-0000-4000-8000-000000000000" if is_id else known


def _of_another_tenant(ask: Ask) -> Ask | None:
    return replace(ask, organization_id=THEIRS) if has_own_id(ask.operation) else None


def has_own_id(operation: Operation) -> bool:
    """Its path names something that one organisation has; what it sets goes by the same names in all of them."""
    return "{" in operation.path and not re.search("{(policy|calendar|name)}", operation.path)


CASES: dict[str, Case] = {
    "no token": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, authorization=None)),
    "no bearer": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, authorization="Basic dXNlcjpwYXNz")),
    "no JWT": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, authorization="Bearer a.b.c")),
    "expired": Case(401, "UNAUTHORIZED", _claims(exp=1_700_000_000)),
    "never expires": Case(401, "UNAUTHORIZED", _claims(exp=None)),
    "not valid yet": Case(401, "UNAUTHORIZED", _claims(nbf=4_000_000_000)),
    "wrong signature": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, secret=OTHER_SECRET)),
    "algorithm none": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, algorithm="none")),
    "wrong algorithm": Case(401, "UNAUTHORIZED", lambda ask: replace(ask, algorithm="HS512")),
    "key that is not published": Case(
        401, "UNAUTHORIZED", lambda ask: replace(ask, sign=new_key(PUBLISHED.algorithm, "unknown").sign)
    ),
    "signature by another key": Case(
        401, "UNAUTHORIZED", lambda ask: replace(ask, sign=new_key(PUBLISHED.algorithm, PUBLISHED.id).sign)
    ),
    "public key as the secret": Case(
        401,
        "UNAUTHORIZED",
        lambda ask: replace(ask, sign=partial(forged, PUBLISHED.public_texts()[0], PUBLISHED.id, "HS256")),
    ),
    "secret as a published key": Case(
        401,
        "UNAUTHORIZED",
        lambda ask: replace(ask, sign=partial(forged, ask.secret.encode(), PUBLISHED.id, PUBLISHED.algorithm)),
    ),
    "wrong issuer": Case(401, "UNAUTHORIZED", _claims(iss="https://elsewhere.test")),
    "wrong audience": Case(401, "UNAUTHORIZED", _claims(aud="somebody-else")),
    "no audience": Case(401, "UNAUTHORIZED", _claims(aud=None)),
    "no subject": Case(401, "UNAUTHORIZED", _claims(sub=None)),
    "no organization": Case(401, "UNAUTHORIZED", _claims(organization_id=None)),
    "roles that are none": Case(401, "UNAUTHORIZED", _claims(roles="admin")),
    "missing permission": Case(403, "FORBIDDEN", _without_permission),
    "another organization in the header": Case(
        403, "ORGANIZATION_MISMATCH", lambda ask: replace(ask, headers={"X-Organization-ID": THEIRS})
    ),
    "another organization in the body": Case(
        403,
        "ORGANIZATION_MISMATCH",
        lambda ask: replace(ask, body={**ask.body, "organization_id": THEIRS}) if ask.body is not None else None,
    ),
    "no organization in the body": Case(400, "ORGANIZATION_REQUIRED", _without_organization),
    "malformed body": Case(400, "VALIDATION_ERROR", _broken),
    "body that is no object": Case(
        400, "VALIDATION_ERROR", lambda ask: replace(ask, raw=b"[1, 2]") if ask.body is not None else None
    ),
    "unknown id": Case(404, "NOT_FOUND", _unknown),
    "other tenant": Case(404, "NOT_FOUND", _of_another_tenant),
    "oversized body": Case(413, "PAYLOAD_TOO_LARGE", _oversized),
}
