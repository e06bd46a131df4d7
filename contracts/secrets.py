"""Named secrets of an organization, with which automated calls authenticate themselves."""

from typing import Literal

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,63}$"
VALUE_PATTERN = r"^[!-~]([ -~]{6,4094})[!-~]$"
"""Printable ASCII without blanks around it, 8 to 4,096 characters: it must fit into a header, and an echo of a shorter
one could not be told from other text."""
MOST_SECRETS = 100
"""Of one organization."""
AuthScheme = Literal["bearer", "basic", "header", "signature"]
"""How a secret is sent: `Authorization: Bearer`, `Authorization: Basic` with a user, a header of its own, or as the key
of a signature over the body by the Standard Webhooks scheme."""


def access_name(name: str) -> str:
    """Returns what the access log calls the secret, among names of fields."""
    return f"secret:{name}"
