"""The notifier's query endpoints, for the gateway."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from contracts.rejections import Code
from services.notifier.domain.subscribing import not_found
from services.notifier.domain.webhooks import Webhook, history, view
from services.notifier.webhooks.deliveries import DeliveryStatus, DeliveryStore, delivery_view
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from shared import clock
from shared.cipher import BrokenSeal
from shared.errors import Refused
from shared.http import success
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(store: WebhookStore, deliveries: DeliveryStore, secrets: Secrets) -> APIRouter:
    routes = APIRouter(prefix="/internal/webhooks")

    @routes.get("")
    async def webhooks(
        organization_id: str,
        status: Literal["active", "paused", "disabled"] | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        page = await store.page(organization_id, status, cursor, limit)
        return success({"webhooks": [view(webhook, clock.now()) for webhook in page.items], **page.about()})

    @routes.get("/{webhook_id}")
    async def webhook(webhook_id: str, organization_id: str) -> Response:
        found = await _found(store, organization_id, webhook_id)
        return success({**view(found, clock.now()), "events": history(found)}, headers={"ETag": found.etag})

    @routes.get("/{webhook_id}/secrets/{version}")
    async def secret(webhook_id: str, version: int, organization_id: str) -> Response:
        """For the answer to the command that made it, now or again; null where it is over or its webhook deleted."""
        found = await store.get(organization_id, webhook_id)
        if found is None:
            raise Refused.because(not_found(webhook_id))
        return success({"secret": _secret(found, version, secrets)})

    @routes.get("/{webhook_id}/deliveries")
    async def sent(
        webhook_id: str,
        organization_id: str,
        status: DeliveryStatus | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        await _found(store, organization_id, webhook_id)
        page = (await deliveries.page(organization_id, webhook_id, status, cursor, limit)).map(delivery_view)
        return success({"deliveries": page.items, **page.about()})

    @routes.get("/{webhook_id}/commands/{command_id}")
    async def answer(webhook_id: str, command_id: str, organization_id: str) -> Response:
        found = await store.get(organization_id, webhook_id)
        reply = found.answer_of(command_id) if found is not None else None
        reply = reply or await store.outcomes.find_reply(organization_id, command_id)
        return success({"reply": reply.model_dump(mode="json") if reply is not None else None})

    return routes


async def _found(store: WebhookStore, organization_id: str, webhook_id: str) -> Webhook:
    webhook = await store.get(organization_id, webhook_id)
    if webhook is None or webhook.status == "deleted":
        raise Refused.because(not_found(webhook_id))
    return webhook


def _secret(webhook: Webhook, version: int, secrets: Secrets) -> str | None:
    try:
        valid = webhook.signing(clock.now())
        return next((secrets.opened(webhook.webhook_id, s) for s in valid if s.version == version), None)
    except BrokenSeal as fault:
        raise Refused(Code.UNAVAILABLE, f"The secret can't be read: {fault}") from None
