"""HTTP calls of automated steps: one attempt, bounded in time and in size, to addresses that may be called."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import orjson

from contracts.jobs import AutomationJob
from services.automation.domain.answers import Outcome, failure, unanswered
from services.automation.domain.credentials import Credential
from services.automation.domain.endpoints import (
    RefusedEndpoint,
    Target,
    attempt_seconds,
    locate,
    of_organization,
)
from services.automation.reading import outcome_of
from services.automation.store import StoredJob
from shared.addresses import Networks
from shared.clock import now
from shared.lookups import Lookups
from shared.outbound import ForbiddenAddress, outbound_client, send_pinned
from shared.tracing import calling

_AROUND_BYTES = 256 * 1024
"""Of an answer's head, with all that may come before it."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """By organisation, `*` for all others: where it is at home, which hosts its playbooks may name, and which private
    networks those may lead to."""

    bases: Mapping[str, str]
    allowed_hosts: Mapping[str, frozenset[str]]
    allowed_networks: Mapping[str, Networks]
    max_response_bytes: int

    def target(self, job: AutomationJob) -> Target | RefusedEndpoint:
        base = of_organization(job.organization_id, self.bases)
        hosts = of_organization(job.organization_id, self.allowed_hosts) or ()
        return locate(job.api_endpoint or "", base, hosts)

    def lane(self, job: AutomationJob) -> str:
        """What a job's call shares its bounds and its circuit with: organisation and host."""
        target = self.target(job)
        return f"{job.organization_id} {target.origin if isinstance(target, Target) else 'nowhere'}"

    def networks(self, organization_id: str) -> Networks:
        return of_organization(organization_id, self.allowed_networks) or ()


class Caller:
    """Calls endpoints; connections to base addresses are kept open between attempts."""

    def __init__(self, limits: CallLimits, connections: int) -> None:
        self._limits = limits
        self._connections = connections
        self._lookups = Lookups()
        self._at_base: httpx.AsyncClient | None = None
        self._named: httpx.AsyncClient | None = None

    async def start(self) -> None:
        most = 2 * self._limits.max_response_bytes + _AROUND_BYTES
        self._at_base = outbound_client(self._connections, self._connections, most, self._lookups)
        # A kept connection is found by its address, and several hosts may share one: each gets its own.
        self._named = outbound_client(self._connections, 0, most, self._lookups)

    async def stop(self) -> None:
        for client in (self._at_base, self._named):
            if client:
                await client.aclose()

    async def call(self, stored: StoredJob, credential: Credential | None = None) -> Outcome:
        """One attempt. Whatever goes wrong with the call is an outcome and no exception."""
        outcome = await self._call(stored, credential)
        return outcome if credential is None else credential.without_secret(outcome)

    async def _call(self, stored: StoredJob, credential: Credential | None) -> Outcome:
        target = self._limits.target(stored.job)
        if isinstance(target, RefusedEndpoint):
            return failure(target.reason, retryable=False)
        seconds = attempt_seconds(stored.job.timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._post(stored, target, credential)
        except TimeoutError:
            return unanswered(f"the endpoint did not answer within {seconds:g} s")
        except ForbiddenAddress as error:
            return failure(str(error), retryable=False)
        except httpx.InvalidURL as error:
            return failure(f"api_endpoint is no valid address: {error}", retryable=False)
        except (httpx.TransportError, OSError) as error:
            return unanswered(f"the endpoint could not be reached: {type(error).__name__} {error}".rstrip())

    async def _post(self, stored: StoredJob, target: Target, credential: Credential | None) -> Outcome:
        about = {"hera.run_id": stored.job.run_id, "hera.organization_id": stored.job.organization_id}
        with calling(f"POST {target.named_host or 'base address'}", stored.traceparent, about) as traceparent:
            assert self._at_base is not None, "start() comes first"
            body, headers = _body(stored.job), _headers(stored, traceparent)
            if credential is not None:
                headers |= credential.headers(headers["Idempotency-Key"], body, now())
            request = self._at_base.build_request("POST", target.url, content=body, headers=headers, timeout=None)
            response = await self._sent(request, stored.job, target)
            try:
                return await outcome_of(response, self._limits.max_response_bytes)
            finally:
                await response.aclose()

    async def _sent(self, request: httpx.Request, job: AutomationJob, target: Target) -> httpx.Response:
        assert self._at_base is not None and self._named is not None
        if target.named_host is None:
            return await self._at_base.send(request, stream=True)
        named = request.url.raw_host.decode()
        if target.named_host not in (request.url.host, named):
            raise ForbiddenAddress("api_endpoint can be read in two ways")
        networks = self._limits.networks(job.organization_id)
        seconds, owner = attempt_seconds(job.timeout_seconds), job.organization_id
        return await send_pinned(self._named, request, networks, seconds, lookups=self._lookups, owner=owner)


def _body(job: AutomationJob) -> bytes:
    return orjson.dumps(
        {
            "run_id": job.run_id,
            "step_id": job.step_id,
            "step_name": job.step_name,
            "organization_id": job.organization_id,
            "data": job.data,
            "config": {name: value for name, value in job.config.items() if name != "auth"},
            "context": job.context,
        }
    )


def _headers(stored: StoredJob, traceparent: str | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Idempotency-Key": _printable(stored.job.idempotency_key),
        "X-Request-ID": _printable(stored.correlation_id),
    }
    if traceparent:
        headers["traceparent"] = _printable(traceparent)
    return headers


def _printable(text: str) -> str:
    """What a header may hold; ids that clients chose may hold more."""
    return "".join(c for c in text if " " <= c <= "~").strip()
