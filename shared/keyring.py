"""The keys of the configuration. They encrypt no data of runs, only other keys and secrets."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from shared.cipher import KEY_BYTES, BrokenSeal, decrypt, encrypt

_ID = re.compile(r"[A-Za-z0-9_.-]{1,50}")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key, encrypted under another one."""

    by: str
    """Id of that other key."""
    nonce: bytes
    ciphertext: bytes


def keys_of(text: str) -> dict[str, bytes]:
    """Of `id:base64,id:base64`, in that order. Raises ValueError, without the keys in its message."""
    keys: dict[str, bytes] = {}
    for number, part in enumerate(text.split(","), 1):
        key_id, separator, encoded = part.strip().partition(":")
        if not separator or not _ID.fullmatch(key_id):
            raise ValueError(f"key {number} must be id:base64, the id of up to 50 letters, digits, _ . -")
        if key_id in keys:
            raise ValueError(f"the id {key_id} stands for two keys")
        keys[key_id] = _decoded(key_id, encoded)
    return keys


def _decoded(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError(f"key {key_id} is not valid base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"key {key_id} must be {KEY_BYTES} bytes in base64; it has {len(key)}")
    return key


def _checked(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        keys_of(text.get_secret_value())
    return text


EncryptionKeys = Annotated[SecretStr | None, AfterValidator(_checked)]
"""The setting ENCRYPTION_KEYS."""


class Keyring:
    """The first key is the current one; the others open what they wrapped before."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self.current = next(iter(self._keys), None)
        """Id of the key that wraps; None where none is configured."""

    @classmethod
    def of(cls, setting: SecretStr | None) -> "Keyring":
        return cls(keys_of(setting.get_secret_value()) if setting is not None else {})

    def holds(self, key_id: str) -> bool:
        return key_id in self._keys

    def wrap(self, key: bytes, key_id: str) -> Wrapped:
        assert self.current is not None
        return Wrapped(self.current, *encrypt(self._keys[self.current], key, key_id))

    def unwrap(self, wrapped: Wrapped, key_id: str) -> bytes:
        """Raises BrokenSeal."""
        by = self._keys.get(wrapped.by)
        if by is None:
            raise BrokenSeal(f"key {key_id} was wrapped by {wrapped.by}, which ENCRYPTION_KEYS does not hold")
        return unwrapped(wrapped, by, key_id)


def unwrapped(wrapped: Wrapped, by: bytes, key_id: str) -> bytes:
    """Raises BrokenSeal."""
    try:
        return decrypt(by, wrapped.nonce, wrapped.ciphertext, key_id)
    except BrokenSeal as fault:
        raise BrokenSeal(f"key {key_id} can't be unwrapped by {wrapped.by}: {fault}") from None
