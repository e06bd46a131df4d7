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
