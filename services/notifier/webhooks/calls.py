"""One try: the message, signed by the Standard Webhooks scheme, to an address that may be reached."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import httpx
import structlog
from standardwebhooks import Webhook as Signer

from services.notifier.domain.webhooks import Webhook
from services.notifier.webhooks.deliveries import Attempt, Outgoing
from services.notifier.webhooks.secrets import Secrets
from shared.addresses import Networks
from shared.cipher import BrokenSeal
from shared.clock import now
from shared.lookups import Lookups
from shared.outbound import ForbiddenAddress, outbound_client, send_pinned
from shared.retry_after import retry_after
from shared.tracing import calling

_ASKING = (429, 503)
"""Answers whose Retry-After is kept."""
_MOST_BYTES = 256 * 1024
"""Read of an answer, with all that may come before it."""
log = structlog.get_logger()


class Endpoints:
    """Calls endpoints. Their answers' bodies are not read: the status says all."""

    def __init__(self, secrets: Secrets, allowed: Networks, connections: int, timeout_seconds: float) -> None:
        self._secrets = secrets
        self._allowed = allowed
        self._connections = connections
        self._seconds = timeout_seconds
        self._lookups = Lookups()
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        self._client = outbound_client(self._connections, 0, _MOST_BYTES, self._lookups)

    async def stop(self) -> None:
        if self._client:
            await self._client.aclose()

    async def call(self, webhook: Webhook, delivery: Outgoing) -> Attempt:
        """Whatever goes wrong with the call is an outcome and no exception."""
        at = now()
        try:
            headers = signed_headers(self._secrets.signing(webhook, at), delivery, at)
            async with asyncio.timeout(self._seconds):
                response = await self._post(webhook, delivery, headers)
        except BrokenSeal as fault:
            log.error("webhook_not_signed", webhook_id=webhook.webhook_id, reason=str(fault))
            return Attempt(at, None, f"its secret can't be opened, rotate it: {fault}", is_ours=True)
        except TimeoutError:
            return Attempt(at, None, f"the endpoint did not answer within {self._seconds:g} s")
        except ForbiddenAddress as error:
            return Attempt(at, None, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Attempt(at, None, f"the endpoint could not be reached: {type(error).__name__} {error}"[:500])
        except Exception as error:  # a surprise is a failed try: it must come to an end like any other
            log.exception("webhook_try_failed", delivery_id=delivery.delivery_id)
            return Attempt(at, None, f"unexpected {type(error).__name__} in the notifier")
        return _judged(at, response)

    async def _post(self, webhook: Webhook, delivery: Outgoing, headers: dict[str, str]) -> httpx.Response:
        assert self._client is not None, "start() comes first"
        about = {"hera.webhook_id": webhook.webhook_id, "hera.organization_id": webhook.organization_id}
        with calling("POST webhook", delivery.traceparent, about) as traceparent:
            headers |= {"traceparent": traceparent} if traceparent else {}
            request = self._client.build_request("POST", webhook.url, content=delivery.body.encode(), headers=headers)
            response = await send_pinned(
                self._client,
                request,
                self._allowed,
                self._seconds,
                lookups=self._lookups,
                owner=webhook.organization_id,
            )
            await response.aclose()
            return response


def signed_headers(secrets: Sequence[str], delivery: Outgoing, at: datetime) -> dict[str, str]:
    """A signature by each secret that is valid: receivers know the old one or the new one."""
    signatures = [
        Signer(secret).sign(msg_id=delivery.delivery_id, timestamp=at, data=delivery.body) for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "HERA-Playbooks",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _judged(at: datetime, response: httpx.Response) -> Attempt:
    status = response.status_code
    if 200 <= status < 300:
        return Attempt(at, status, None)
    asked = retry_after(response.headers, at) if status in _ASKING else None
    return Attempt(at, status, _refusal(status), asked or 0.0)


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"the endpoint answered {status}; redirects are not followed"
    return f"the endpoint answered {status}"
