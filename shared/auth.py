"""JSON Web Tokens: who calls, for which organisation, and what they may do."""

import time
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass

import jwt
from pydantic import SecretStr

from contracts.limits import NAME_LENGTH
from contracts.permissions import is_granted
from contracts.rejections import Code
from contracts.values import Caller
from shared.errors import Refused
from shared.jwk_set import ALGORITHMS, KeyRing
from shared.published_keys import PublishedKeys

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says."""

    caller: Caller
    organization_id: str
    expires_at: int

    def may(self, permission: str) -> bool:
        """`run:create`, granted by itself, by `run:*`, by `*`, or by a permission that includes it."""
        return is_granted(permission, self.caller.permissions)


@dataclass(frozen=True, slots=True)
class _Verified:
    identity: Identity
    ring: KeyRing | None
    """The published keys that it was verified with; None: it was the secret."""


class TokenVerifier:
    """Verifies tokens, by the secret those of HS256 and by published keys all others; remembers them till they expire.

    One that was verified by a published key is verified anew when those keys have changed.
    """

    def __init__(
        self,
        secret: SecretStr | None,
        issuer: str | None,
        audience: str | None,
        leeway_seconds: int = 30,
        published: PublishedKeys | None = None,
    ) -> None:
        self._secret = secret
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway_seconds
        self._published = published
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    def verify(self, authorization: str | None) -> Identity:
        """The identity behind an `Authorization` header. Raises Refused (UNAUTHORIZED), saying what is wrong.

        Raises Unavailable where there is no key to tell by.
        """
        token = _bearer(authorization)
        if token is None:
            raise _unauthorized("The Authorization header must be 'Bearer <token>'")
        known = self._verified.get(token)
        if known and self._stands(known):
            return known.identity
        verified = self._verified[token] = self._decode(token)
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return verified.identity

    def lacks_key(self, authorization: str | None) -> bool:
        """Whether the token says that it is signed with a published key that is not known here: it may be new."""
        token = _bearer(authorization)
        known = self._verified.get(token) if token else None
        if self._published is None or token is None or (known and self._stands(known)):
            return False
        try:
            key_id, algorithm = _signature(token)
        except jwt.PyJWTError:
            return False
        return algorithm in ALGORITHMS and self._published.lacks(key_id, algorithm)

    def _stands(self, known: _Verified) -> bool:
        if known.ring is not None and known.ring is not self._ring():
            return False
        return known.identity.expires_at + self._leeway > time.time()

    def _ring(self) -> KeyRing | None:
        return self._published.ring() if self._published else None

    def _decode(self, token: str) -> _Verified:
        try:
            key_id, algorithm = _signature(token)
            ring, key = self._ring(), self._key(key_id, algorithm)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={"require": ["sub", "exp"], "verify_aud": self._audience is not None},
            )
        except (jwt.PyJWTError, OverflowError) as error:  # the latter for times such as 1e999
            raise _unauthorized(f"The token is not valid: {error}") from None
        return _Verified(_identity(claims), ring if isinstance(key, jwt.PyJWK) else None)

    def _key(self, key_id: str | None, algorithm: str) -> str | jwt.PyJWK:
        """What the token says about itself chooses among keys that fit its algorithm, and never a key for another."""
        if algorithm == "HS256" and self._secret is not None:
            return self._secret.get_secret_value()
        if algorithm not in ALGORITHMS or self._published is None:
            raise jwt.InvalidAlgorithmError("The specified alg value is not allowed")
        key = self._published.find(key_id, algorithm)
        if key is None:
            raise jwt.InvalidKeyError(f"Its kid names no key for {algorithm} that the issuer publishes")
        return key


def _bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _signature(token: str) -> tuple[str | None, str]:
    """Key id and algorithm, as the token claims them. Raises PyJWTError."""
    header = jwt.get_unverified_header(token)
    return header.get("kid"), str(header.get("alg"))


def _identity(claims: dict[str, object]) -> Identity:
    organization_id, subject = _name(claims, "organization_id"), _name(claims, "sub")
    caller = Caller(id=subject, roles=_strings(claims, "roles"), permissions=_strings(claims, "permissions"))
    return Identity(caller, organization_id, int(float(str(claims["exp"]))))


def _name(claims: dict[str, object], claim: str) -> str:
    """Returns a claim that work is given to or data is kept under. Raises Refused for one that cannot be a name."""
    name = claims.get(claim)
    if not isinstance(name, str) or not name:
        raise _unauthorized(f"The token has no {claim} claim")
    if name != name.strip() or len(name) > NAME_LENGTH or not _is_text(name):
        reason = f"must have {NAME_LENGTH} characters at most, no control characters, and no whitespace around it"
        raise _unauthorized(f"The token's {claim} claim {reason}")
    return name


def _is_text(value: object) -> bool:
    """Whether it is a string that can be written as JSON and UTF-8 again: half of a surrogate pair can't."""
    return isinstance(value, str) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in value)


def _strings(claims: dict[str, object], name: str) -> tuple[str, ...]:
    values = claims.get(name, [])
    if not isinstance(values, list) or not all(map(_is_text, values)):
        raise _unauthorized(f"The token's {name} claim must be a list of strings")
    return tuple(values)


def _unauthorized(reason: str) -> Refused:
    return Refused(Code.UNAUTHORIZED, "Authentication is required", field="Authorization", reason=reason)
