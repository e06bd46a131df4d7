"""One try: the message, signed by the Standard Webhooks scheme, to an address that may be reached."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import structlog
from standardwebhooks import Webhook as Signer

from services.notifier.domain.webhooks import Webhook
from services.notifier.webhooks.deliveries import Attempt, Outgoing
from shared.addresses import Networks
from shared.clock import now
from shared.outbound import ForbiddenAddress, outbound_client, send_pinned
from shared.tracing import calling

log = structlog.get_logger()


class Endpoints:
    """Calls endpoints. Their answers' bodies are not read: the status says all."""

    def __init__(self, allowed: Networks, connections: int, timeout_seconds: float) -> None:
        self._allowed = allowed
        self._connections = connections
        self._seconds = timeout_seconds
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        # A name that resolves slowly takes a thread of asyncio's few: others must not wait for it.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self._connections, "lookup"))
        self._client = outbound_client(self._connections, kept=0)

    async def stop(self) -> None:
        if self._client:
            await self._client.aclose()

    async def call(self, webhook: Webhook, delivery: Outgoing) -> Attempt:
        """Whatever goes wrong with the call is an outcome and no exception."""
        at = now()
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(webhook, delivery, at)
        except TimeoutError:
            return Attempt(at, None, f"the endpoint did not answer within {self._seconds:g} s")
        except ForbiddenAddress as error:
            return Attempt(at, None, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Attempt(at, None, f"the endpoint could not be reached: {type(error).__name__} {error}"[:500])
        except Exception as error:  # a surprise is a failed try: it must come to an end like any other
            log.exception("webhook_try_failed", delivery_id=delivery.delivery_id)
            return Attempt(at, None, f"unexpected {type(error).__name__} in the notifier")
        return Attempt(at, status, None if 200 <= status < 300 else _refusal(status))

    async def _post(self, webhook: Webhook, delivery: Outgoing, at: datetime) -> int:
        assert self._client is not None, "start() comes first"
        about = {"hera.webhook_id": webhook.webhook_id, "hera.organization_id": webhook.organization_id}
        with calling("POST webhook", delivery.traceparent, about) as traceparent:
            headers = signed_headers(webhook, delivery, at) | ({"traceparent": traceparent} if traceparent else {})
            request = self._client.build_request("POST", webhook.url, content=delivery.body.encode(), headers=headers)
            response = await send_pinned(self._client, request, self._allowed, self._seconds)
            await response.aclose()
            return response.status_code


def signed_headers(webhook: Webhook, delivery: Outgoing, at: datetime) -> dict[str, str]:
    """A signature by each secret that is valid: receivers know the old one or the new one."""
    signatures = [
        Signer(secret).sign(msg_id=delivery.delivery_id, timestamp=at, data=delivery.body)
        for secret in webhook.signing(at)
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "HERA-Playbooks",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"the endpoint answered {status}; redirects are not followed"
    return f"the endpoint answered {status}"
