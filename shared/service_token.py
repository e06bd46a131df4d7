"""The secret by which services know each other: each internal request shows it (see shared/guard.py for who asks)."""

import hmac
import re

from pydantic import SecretStr

_AT_LEAST = 32
_TOKEN = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


def checked(text: SecretStr) -> SecretStr:
    """For settings. Raises ValueError, without the tokens in its message."""
    for number, token in enumerate(_parts(text), 1):
        if len(token) < _AT_LEAST:
            raise ValueError(f"token {number} needs {_AT_LEAST} characters or more; it has {len(token)}")
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"token {number} must be of ASCII letters, digits and signs, without spaces")
    return text


class ServiceToken:
    """Of several tokens the first is shown, and any is taken: so they can be changed one service after the other."""

    def __init__(self, text: SecretStr) -> None:
        shown = [f"Bearer {token}" for token in _parts(text)]
        self.headers = {"Authorization": shown[0]}
        """Of every internal request."""
        self._taken = [value.encode() for value in shown]

    def admits(self, authorization: bytes) -> bool:
        """How long it takes does not tell how much of a token is right."""
        return any(hmac.compare_digest(authorization, known) for known in self._taken)


def _parts(text: SecretStr) -> list[str]:
    return [part.strip() for part in text.get_secret_value().split(",")]
