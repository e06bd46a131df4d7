"""Encrypted fields in jobs and results. This service holds no keys: the run engine opens and seals for it."""

import asyncio
from collections.abc import Collection
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from contracts.encrypted import named_in, without_encrypted
from contracts.jobs import AutomationJob
from services.automation.domain.credentials import Credential, credential_of
from shared.correlation import correlation
from shared.service_token import ServiceToken

NOT_KEPT = "the worker says why; its words are not kept, as the playbook has encrypted fields"
_NOT_TAKEN = "the run engine does not take the value of an encrypted field"
_BY = {"accessed_by": "automation", "accessed_by_type": "service", "operation": "automated_call"}
"""Who asks, for the access log, where a call is made with clear values."""
_LONGEST_PAUSE = 5.0
_SECONDS = 10.0
log = structlog.get_logger()


class SealingFault(Exception):
    """A value can't be sealed or opened, and trying again would not help; the message holds no value."""


class EngineAway(Exception):
    """Nobody opens values at present; it is worth another try."""


class Sealing:
    def __init__(self, run_engine_url: str | None, token: ServiceToken, tls: SSLContext | bool = True) -> None:
        self._url = run_engine_url.rstrip("/") if run_engine_url else None
        self._client = httpx.AsyncClient(timeout=_SECONDS, trust_env=False, headers=token.headers, verify=tls)

    async def close(self) -> None:
        await self._client.aclose()

    async def for_endpoint(self, job: AutomationJob) -> AutomationJob:
        """The job as an endpoint is sent it: in clear what the step names in `sensitive_fields`, the rest left out.

        Raises SealingFault, or EngineAway at once: while one waits, the job's run might be paused.
        """
        wanted = [n for n in job.config.get("sensitive_fields") or () if n in job.encrypted_fields]
        data = job.data
        if wanted and any(True for _ in named_in(data, wanted)):
            asked = {"data": data, "fields": wanted, "step_id": job.step_id}
            data = await self._asked_once("opened", job.run_id, job.organization_id, asked)
        return job.model_copy(update={"data": without_encrypted(data)})

    async def credential(self, job: AutomationJob) -> Credential | None:
        """Returns what the call authenticates itself with; None where the step names nothing.

        Raises SealingFault for a secret that is not set, EngineAway.
        """
        auth = job.config.get("auth")
        if not isinstance(auth, dict):
            return None
        name = str(auth.get("secret"))
        params = {"organization_id": job.organization_id, "run_id": job.run_id, "step_id": job.step_id}
        found = await self._post(f"secrets/{quote(name, safe='')}/value", params | _BY, None)
        if found is None:
            raise SealingFault(
                f"the secret {name[:100]}, which automation_config.auth names, is not set or can't be opened"
            )
        return credential_of(auth, found["value"])

    async def sealed(
        self, run_id: str, organization_id: str, data: dict[str, Any], fields: Collection[str]
    ) -> dict[str, Any]:
        """A result as it may be put on Kafka. Raises SealingFault."""
        if not fields or all(value is None for _, value in named_in(data, fields)):
            return data
        return await self._asked("sealed", run_id, organization_id, {"data": data, "fields": list(fields)})

    async def _asked(self, what: str, run_id: str, organization_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Tries for as long as the engine is away: a result that is known should not be worked for again."""
        pause = 0.05
        while True:
            try:
                return await self._asked_once(what, run_id, organization_id, asked)
            except EngineAway as away:
                log.warning("sealing_waits", error=str(away), retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _asked_once(self, what: str, run_id: str, organization_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        params = {"organization_id": organization_id} | (_BY if what == "opened" else {})
        found = await self._post(f"runs/{run_id}/{what}", params, asked)
        if found is None:
            raise SealingFault(_NOT_TAKEN)
        data: dict[str, Any] = found["data"]
        return data

    async def _post(self, path: str, params: dict[str, str], asked: dict[str, Any] | None) -> dict[str, Any] | None:
        """Returns what the engine answers; None for what it does not find. Raises SealingFault, EngineAway."""
        if self._url is None:
            raise SealingFault("the step needs secrets, and the automation service has no RUN_ENGINE_URL")
        headers = {"X-Request-ID": correlation().correlation_id}
        try:
            answer = await self._client.post(f"{self._url}/internal/{path}", params=params, json=asked, headers=headers)
        except httpx.TransportError as error:
            raise EngineAway(type(error).__name__) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code == httpx.codes.UNAUTHORIZED:
            raise EngineAway(f"status {answer.status_code}")  # 401: SERVICE_TOKEN is at fault, not the value
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise SealingFault(_NOT_TAKEN)
        found: dict[str, Any] = answer.json()["data"]
        return found


def of_endpoint(error: str | None, fields: Collection[str]) -> str | None:
    """Where fields are encrypted, without the endpoint's own words, which follow a colon: they might hold a value."""
    return error.partition(":")[0] if error is not None and fields else error


def of_worker(error: str | None, fields: Collection[str]) -> str | None:
    """Where fields are encrypted, without the worker's words."""
    return NOT_KEPT if error is not None and fields else error
