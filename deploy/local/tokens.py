"""Tokens for the local stack, signed with its secret."""

import time
from collections.abc import Sequence

import jwt

SUBJECT = "user_123"
ORGANIZATION = "org_123e4567-e89b-12d3-a456-426614174000"
PERMISSIONS = (
    "playbook:create",
    "playbook:read",
    "playbook:update",
    "playbook:delete",
    "run:create",
    "run:read",
    "run:update",
    "step:complete",
    "webhook:read",
    "webhook:manage",
)


def permissions_of(text: str) -> list[str]:
    """Returns the permissions of a comma-separated list. One that begins with `+` is added to the default ones.

    Raises ValueError where a later name has a `+` and the first has none.
    """
    adds = text.lstrip().startswith("+")
    names = [name.strip() for name in (text.lstrip()[1:] if adds else text).split(",")]
    if any(name.startswith("+") for name in names) and not adds:
        raise ValueError(f"{text!r}: put the + before the first name to add all of them to the default permissions")
    named = [name.removeprefix("+").strip() for name in names]
    return list(dict.fromkeys((*(PERMISSIONS if adds else ()), *filter(None, named))))


def make_token(
    secret: str,
    subject: str = SUBJECT,
    organization_id: str = ORGANIZATION,
    roles: Sequence[str] = (),
    permissions: Sequence[str] = PERMISSIONS,
    ttl_seconds: int = 3600,
) -> str:
    """A JSON Web Token (HS256) with the claims of the API's reference."""
    now = int(time.time())
    claims = {
        "sub": subject,
        "organization_id": organization_id,
        "roles": list(roles),
        "permissions": list(permissions),
        "iat": now,
        "exp": now + ttl_seconds,
    }
    return jwt.encode(claims, secret, algorithm="HS256")
