"""Public keys that tokens are verified with, out of a JWK Set (RFC 7517)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK, PyJWTError


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a JWK must be for an algorithm, and the members that its public key is made of."""

    kty: str
    crv: str | None
    members: tuple[str, ...]


_KINDS = {
    "RS256": _Kind("RSA", None, ("n", "e")),
    "ES256": _Kind("EC", "P-256", ("x", "y")),
    "EdDSA": _Kind("OKP", "Ed25519", ("x",)),
}
ALGORITHMS = frozenset(_KINDS)


class KeyRing:
    """Public keys, each for the one algorithm that its kind fits."""

    def __init__(self, keys: Sequence[PyJWK]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def ids(self) -> list[str | None]:
        return [key.key_id for key in self._keys]

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """The key of that id; where a token names none, the only one that fits its algorithm."""
        fitting = [key for key in self._keys if key.algorithm_name == algorithm]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.key_id == key_id), None)


def read_jwk_set(document: object) -> KeyRing:
    """Its keys for RS256, ES256 and EdDSA; all others are passed over. Raises ValueError where it is no JWK Set."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no JWK Set: it has no list of keys")
    return KeyRing([key for entry in entries if (key := _public_key(entry))])


def _public_key(jwk: Any) -> PyJWK | None:
    algorithm = _algorithm_of(jwk) if isinstance(jwk, dict) and _is_to_verify_with(jwk) else None
    if algorithm is None:
        return None
    kind = _KINDS[algorithm]
    public = {name: jwk.get(name) for name in ("kty", *kind.members)} | ({"crv": kind.crv} if kind.crv else {})
    if not all(isinstance(value, str) for value in public.values()):
        return None
    try:
        key = PyJWK(public | {"kid": jwk.get("kid")}, algorithm)
    except PyJWTError:
        return None
    return None if key.Algorithm.check_key_length(key.key) else key


def _algorithm_of(jwk: dict[str, Any]) -> str | None:
    for algorithm, kind in _KINDS.items():
        if jwk.get("kty") == kind.kty and (kind.crv is None or jwk.get("crv") == kind.crv):
            return algorithm if jwk.get("alg") in (None, algorithm) else None
    return None


def _is_to_verify_with(jwk: dict[str, Any]) -> bool:
    """Not one to encrypt with, and none whose private half (`d`) everybody can read."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        "d" not in jwk
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(jwk.get("kid", ""), str)
    )
