"""AES-256-GCM: what is encrypted is bound to a text, and can be decrypted with that text only."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class BrokenSeal(Exception):
    """An encrypted value, or a key, that can't be decrypted; the message holds no clear text."""


def new_key() -> bytes:
    return AESGCM.generate_key(KEY_BYTES * 8)


def encrypt(key: bytes, clear: bytes, bound_to: str) -> tuple[bytes, bytes]:
    """Nonce and ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, clear, bound_to.encode())


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, bound_to: str) -> bytes:
    """Raises BrokenSeal for another key or another text, and for what was tampered with."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, bound_to.encode())
    except (InvalidTag, ValueError):
        raise BrokenSeal("it was tampered with, or belongs to another key or place") from None
