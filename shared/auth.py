"""JSON Web Tokens: who calls, for which organisation, and what they may do."""

import time
from collections import OrderedDict
from dataclasses import dataclass

import jwt
from pydantic import SecretStr

from contracts.rejections import Code
from contracts.values import Caller
from shared.errors import Refused

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says."""

    caller: Caller
    organization_id: str
    expires_at: int

    def may(self, permission: str) -> bool:
        """`run:create`, granted by itself, by `run:*` or by `*`."""
        resource = permission.split(":", 1)[0]
        return not {permission, f"{resource}:*", "*"}.isdisjoint(self.caller.permissions)


class TokenVerifier:
    """Verifies HS256 tokens; remembers those that it has verified until they expire."""

    def __init__(self, secret: SecretStr, issuer: str | None, audience: str | None, leeway_seconds: int = 30) -> None:
        self._secret = secret.get_secret_value()
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway_seconds
        self._verified: OrderedDict[str, Identity] = OrderedDict()

    def verify(self, authorization: str | None) -> Identity:
        """The identity behind an `Authorization` header. Raises Refused (UNAUTHORIZED), saying what is wrong."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("The Authorization header must be 'Bearer <token>'")
        known = self._verified.get(token)
        if known and known.expires_at + self._leeway > time.time():
            return known
        identity = self._decode(token)
        self._verified[token] = identity
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return identity

    def _decode(self, token: str) -> Identity:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={"require": ["sub", "exp"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWTError as error:
            raise _unauthorized(f"The token is not valid: {error}") from None
        return _identity(claims)


def _identity(claims: dict[str, object]) -> Identity:
    organization_id = claims.get("organization_id")
    if not isinstance(organization_id, str) or not organization_id:
        raise _unauthorized("The token has no organization_id claim")
    caller = Caller(id=str(claims["sub"]), roles=_strings(claims, "roles"), permissions=_strings(claims, "permissions"))
    return Identity(caller, organization_id, int(float(str(claims["exp"]))))


def _strings(claims: dict[str, object], name: str) -> tuple[str, ...]:
    values = claims.get(name, [])
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise _unauthorized(f"The token's {name} claim must be a list of strings")
    return tuple(values)


def _unauthorized(reason: str) -> Refused:
    return Refused(Code.UNAUTHORIZED, "Authentication is required", field="Authorization", reason=reason)
