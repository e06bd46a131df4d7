"""A typed client of the public API. Needs httpx; can be copied, or installed from this folder with pip."""

import httpx

from . import shapes
from .encryption import Encryption
from .errors import (
    ApiError,
    Behind,
    Conflict,
    Forbidden,
    Invalid,
    NoOutcome,
    NotFound,
    NotTheApi,
    Unauthorized,
    Unavailable,
)
from .organization import Organization
from .playbooks import Playbooks
from .runs import Runs
from .tasks import Many, Tasks
from .tokens import TokenSource
from .transport import PATIENCE_SECONDS, Call
from .webhooks import Webhooks


class Client(Playbooks, Runs, Tasks, Many, Organization, Encryption, Webhooks):
    """One caller of one organization, with a token or a source of tokens; every method raises ApiError where the API
    says no.

    `async with Client.at("http://localhost:8000", token, "org_1") as client:` closes its connections at the end.
    """

    @classmethod
    def at(
        cls, url: str, token: str | TokenSource, organization_id: str, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> "Client":
        http = httpx.AsyncClient(base_url=url, timeout=30)
        return cls(http, token, organization_id, patience_seconds=patience_seconds)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()


__all__ = [
    "ApiError", "Behind", "Call", "Client", "Conflict", "Forbidden", "Invalid", "NoOutcome", "NotFound", "NotTheApi",
    "TokenSource", "Unauthorized", "Unavailable", "shapes",
]  # fmt: skip
