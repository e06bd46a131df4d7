"""HTTP calls of automated steps: one attempt, bounded in time and in size, to addresses that may be called."""

import asyncio
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from contracts.jobs import AutomationJob
from services.automation.domain.answers import Outcome, failure, judge, too_large
from services.automation.domain.endpoints import (
    Networks,
    RefusedEndpoint,
    Target,
    attempt_seconds,
    forbidden_address,
    locate,
)
from services.automation.store import StoredJob
from shared.errors import Refused
from shared.json_values import refusal_sentence, storable
from shared.tracing import calling

_EXCERPT_BYTES = 2000
_PORTS = {"http": 80, "https": 443}


class ForbiddenAddress(Exception):
    """The host's name leads to where playbooks must not reach."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    allowed_hosts: Collection[str]
    allowed_networks: Networks
    max_response_bytes: int


class Caller:
    """Calls endpoints; keeps their connections open between attempts."""

    def __init__(self, limits: CallLimits, connections: int) -> None:
        self._limits = limits
        self._connections = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        # trust_env off: a proxy from the environment would be one more way out of the allowed addresses.
        self._client = httpx.AsyncClient(limits=self._connections, follow_redirects=False, trust_env=False)

    async def stop(self) -> None:
        if self._client:
            await self._client.aclose()

    async def call(self, stored: StoredJob, base: str | None) -> Outcome:
        """One attempt. Whatever goes wrong with the call is an outcome and no exception."""
        job = stored.job
        target = locate(job.api_endpoint or "", base, self._limits.allowed_hosts)
        if isinstance(target, RefusedEndpoint):
            return failure(target.reason, retryable=False)
        seconds = attempt_seconds(job.timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._post(stored, target)
        except TimeoutError:
            return failure(f"the endpoint did not answer within {seconds:g} s", retryable=True)
        except ForbiddenAddress as error:
            return failure(str(error), retryable=False)
        except httpx.InvalidURL as error:
            return failure(f"api_endpoint is no valid address: {error}", retryable=False)
        except (httpx.TransportError, OSError) as error:
            return failure(
                f"the endpoint could not be reached: {type(error).__name__} {error}".rstrip(), retryable=True
            )

    async def _post(self, stored: StoredJob, target: Target) -> Outcome:
        assert self._client is not None, "start() comes first"
        about = {"hera.run_id": stored.job.run_id, "hera.organization_id": stored.job.organization_id}
        with calling(f"POST {target.named_host or 'base address'}", stored.traceparent, about) as traceparent:
            return await self._sent(stored, target, traceparent)

    async def _sent(self, stored: StoredJob, target: Target, traceparent: str | None) -> Outcome:
        assert self._client is not None
        headers = _headers(stored, traceparent)
        request = self._client.build_request(
            "POST", target.url, content=request_body(stored.job), headers=headers, timeout=None
        )
        if target.named_host:
            await self._pin(request, target.named_host)
        response = await self._client.send(request, stream=True)
        try:
            return await self._answer(response)
        finally:
            await response.aclose()

    async def _pin(self, request: httpx.Request, named_host: str) -> None:
        """Sends the request to an address that was looked at: a second look-up by the client could say another."""
        if request.url.host != named_host:
            raise ForbiddenAddress("api_endpoint can be read in two ways")
        host, port = request.url.raw_host.decode(), request.url.port or _PORTS[request.url.scheme]
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if forbidden_address(address, self._limits.allowed_networks):
                raise ForbiddenAddress(f"host {host} leads to {address}, which is not open to playbooks")
        request.extensions["sni_hostname"] = host
        request.headers["Connection"] = "close"  # kept connections are found by address, and hosts may share one
        request.url = request.url.copy_with(host=addresses[0])

    async def _answer(self, response: httpx.Response) -> Outcome:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._limits.max_response_bytes:
                return too_large(response.status_code, self._limits.max_response_bytes)
        text = bytes(body[:_EXCERPT_BYTES]).decode("utf-8", "replace")
        outcome = judge(response.status_code, _json(bytes(body)), text)
        try:
            storable(outcome.data)
        except Refused as refused:
            return failure(f"the endpoint's answer can't be kept: {refusal_sentence(refused)}", retryable=False)
        return outcome


def request_body(job: AutomationJob) -> bytes:
    return orjson.dumps(
        {
            "run_id": job.run_id,
            "step_id": job.step_id,
            "step_name": job.step_name,
            "organization_id": job.organization_id,
            "data": job.data,
            "config": job.config,
            "context": job.context,
        }
    )


def _headers(stored: StoredJob, traceparent: str | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # the bound on the answer's size counts what was sent
        "Idempotency-Key": _printable(stored.job.idempotency_key),
        "X-Request-ID": _printable(stored.correlation_id),
    }
    if traceparent:
        headers["traceparent"] = _printable(traceparent)
    return headers


def _printable(text: str) -> str:
    """What a header may hold; ids that clients chose may hold more."""
    return "".join(c for c in text if " " <= c <= "~").strip()


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
