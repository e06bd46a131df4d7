"""What the check of histories asks the run engine: where a run ends, and which runs there are."""

import os
from collections.abc import AsyncIterator
from ssl import SSLContext
from typing import Any

import httpx

from services.timeline.domain.verification import Head
from shared.service_token import ServiceToken

_AT_ONCE = 500


class CannotTell(Exception):
    """What is to be checked can't be read; says why in a sentence."""


class Heads:
    """Raises CannotTell where the engine gives no answer."""

    def __init__(self, url: str, token: ServiceToken, tls: SSLContext | bool = True) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10, headers=token.headers, verify=tls)

    @classmethod
    def of_environment(cls, token: ServiceToken, tls: SSLContext | bool = True) -> "Heads | None":
        """None where RUN_ENGINE_URL is not set."""
        url = os.environ.get("RUN_ENGINE_URL")
        return cls(url, token, tls) if url else None

    async def of_run(self, organization_id: str, run_id: str) -> Head:
        """Of a run that the engine does not know: that it has no events."""
        data = await self._asked(f"/internal/runs/{run_id}/head", organization_id=organization_id)
        return Head(data["sequence"], data["hash"]) if data is not None else Head(0, None)

    async def all(self) -> AsyncIterator[tuple[str, str, Head]]:
        """Organisation, run and head of every run that the engine has."""
        after = ""
        while found := ((await self._asked("/internal/runs/heads", after=after, limit=_AT_ONCE)) or {}).get("heads"):
            for head in found:
                yield head["organization_id"], head["run_id"], Head(head["sequence"], head["hash"])
            after = found[-1]["run_id"]

    async def close(self) -> None:
        await self._http.aclose()

    async def _asked(self, path: str, **params: Any) -> dict[str, Any] | None:
        """None for what is not there."""
        try:
            answer = await self._http.get(path, params=params)
        except httpx.HTTPError as error:
            raise CannotTell(
                f"The run engine at {self._http.base_url} does not answer: {type(error).__name__}"
            ) from error
        if answer.status_code == 404:
            return None
        if answer.status_code == 401:
            whose = f"The run engine at {self._http.base_url} does not take this command's SERVICE_TOKEN"
            raise CannotTell(f"{whose}; set it to one of the tokens in the engine's own SERVICE_TOKEN")
        if answer.status_code != 200:
            raise CannotTell(f"The run engine does not answer {path}: status {answer.status_code}")
        data: dict[str, Any] = answer.json()["data"]
        return data
