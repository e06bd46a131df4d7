"""Webhooks: subscribe, change, rotate, test, replay; list, read, deliveries."""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import Request, Response

from contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EnableWebhook,
    ReplayDelivery,
    ReplayFailedDeliveries,
    RotateWebhookSecret,
    TestWebhook,
    WebhookCommand,
)
from services.gateway.access_log import AccessLog
from services.gateway.admission import Admission, Admitted
from services.gateway.commands import Commands, Errand
from services.gateway.owners import Owner, Params
from services.gateway.routes.paths import WEBHOOKS, delivery_id_of, if_match, query_of, webhook_id_of
from services.gateway.shapes.checking import shaped, shaped_with_times
from services.gateway.shapes.requests import (
    DeliveryReplay,
    FailedReplay,
    SecretRotation,
    WebhookCreation,
    WebhookEnabling,
    WebhookTest,
    WebhookUpdate,
)
from shared.errors import Refused, Unavailable

_MANAGE = "webhook:manage"


class WebhookCommandRoutes:
    """What changes subscriptions, and what is done with their deliveries."""

    def __init__(
        self, admission: Admission, commands: Commands, notifier: Owner, registry: Owner, access_log: AccessLog
    ) -> None:
        self._admission = admission
        self._commands = commands
        self._notifier = notifier
        self._registry = registry
        self._access_log = access_log

    async def create(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        draft = shaped(WebhookCreation, admitted).webhook
        wish = await self._commands.wish_of(request, admitted)
        command = CreateWebhook(
            caller=admitted.identity.caller,
            webhook_id=wish.id_of("wh"),
            organization_id=wish.organization_id,
            draft=draft,
        )
        answer = await self._with_secret(request, admitted, await self._commands.run(wish, _errand(command, 201)))
        return await self._with_warnings(admitted, answer)

    async def change(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        subject = _subject(request, admitted)
        change = shaped(WebhookUpdate, admitted).webhook
        command = ChangeWebhook(**subject, change=change, if_match=if_match(request))
        return await self._with_warnings(admitted, await self._run(request, admitted, command))

    async def delete(self, request: Request) -> Response:
        admitted = self._admission.bare_command(request, _MANAGE)
        return await self._run(request, admitted, DeleteWebhook(**_subject(request, admitted)))

    async def enable(self, request: Request) -> Response:
        return await self._simple(request, WebhookEnabling, EnableWebhook)

    async def test(self, request: Request) -> Response:
        return await self._simple(request, WebhookTest, TestWebhook)

    async def rotate_secret(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        subject = _subject(request, admitted)
        seconds = shaped(SecretRotation, admitted).old_valid_seconds
        command = RotateWebhookSecret(**subject, old_valid_seconds=seconds)
        return await self._with_secret(request, admitted, await self._run(request, admitted, command))

    async def replay(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        subject, delivery_id = _subject(request, admitted), delivery_id_of(request)
        shaped(DeliveryReplay, admitted)
        return await self._run(request, admitted, ReplayDelivery(**subject, delivery_id=delivery_id))

    async def replay_failed(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        subject = _subject(request, admitted)
        since = shaped_with_times(FailedReplay, admitted).since
        return await self._run(request, admitted, ReplayFailedDeliveries(**subject, since=since))

    async def _simple(
        self, request: Request, shape: type[WebhookEnabling | WebhookTest], command: Callable[..., WebhookCommand]
    ) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        subject = _subject(request, admitted)
        shaped(shape, admitted)
        return await self._run(request, admitted, command(**subject))

    async def _run(self, request: Request, admitted: Admitted, command: WebhookCommand) -> Response:
        return await self._commands.run(await self._commands.wish_of(request, admitted), _errand(command))

    async def _with_secret(self, request: Request, admitted: Admitted, answer: Response) -> Response:
        """The secret goes over no topic and is kept with no answer: it is asked for when it is shown."""
        if answer.status_code not in (200, 201):
            return answer
        await self._access_log.disclose(request, admitted.identity)
        made = orjson.loads(answer.body)["data"]
        path = f"/internal/webhooks/{made['webhook_id']}/secrets/{made['secret_version']}"
        secret = (await self._notifier.get(path, _tenant(admitted))).data()["secret"]
        return _with_fields(answer, secret=secret)

    async def _with_warnings(self, admitted: Admitted, answer: Response) -> Response:
        """A playbook may be created after its webhook, so an unknown id is taken; it is more often misspelt."""
        if answer.status_code not in (200, 201):
            return answer
        playbook_ids = orjson.loads(answer.body)["data"]["playbook_ids"]
        unknown = await self._unknown(admitted, playbook_ids) if playbook_ids else []
        return _with_fields(answer, warnings=[_unknown_playbook(n, playbook_ids[n]) for n in unknown])

    async def _unknown(self, admitted: Admitted, playbook_ids: list[str]) -> list[int]:
        """Returns the positions of the ids that are no playbooks. None where the registry does not answer."""
        body = orjson.dumps({"playbook_ids": playbook_ids})
        try:
            found = (await self._registry.post("/internal/playbooks/unknown", _tenant(admitted), body)).data()
        except (Refused, Unavailable):
            return []
        return [n for n, playbook_id in enumerate(playbook_ids) if playbook_id in found["unknown"]]


class WebhookReadRoutes:
    """What is asked about subscriptions."""

    def __init__(self, admission: Admission, notifier: Owner) -> None:
        self._admission = admission
        self._notifier = notifier

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "webhook:read")
        params = query_of(request, identity.organization_id, "status", "limit", "cursor")
        return (await self._notifier.get("/internal/webhooks", params)).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "webhook:read")
        path = f"/internal/webhooks/{webhook_id_of(request)}"
        answer = await self._notifier.get(path, query_of(request, identity.organization_id))
        return answer.response(request.headers.get("if-none-match"))

    async def deliveries(self, request: Request) -> Response:
        identity = self._admission.query(request, "webhook:read")
        params = query_of(request, identity.organization_id, "status", "limit", "cursor")
        return (await self._notifier.get(f"/internal/webhooks/{webhook_id_of(request)}/deliveries", params)).response()


def _tenant(admitted: Admitted) -> Params:
    return [("organization_id", admitted.identity.organization_id)]


def _with_fields(answer: Response, **fields: Any) -> Response:
    """Returns the answer with these among its data."""
    content = orjson.loads(answer.body)
    content["data"] |= fields
    del answer.headers["content-length"]
    return Response(orjson.dumps(content), answer.status_code, dict(answer.headers))


def _unknown_playbook(position: int, playbook_id: str) -> dict[str, str]:
    message = f"{playbook_id[:200]} is no playbook of the organization: nothing is sent for it unless it becomes one"
    return {"field": f"webhook.playbook_ids[{position}]", "message": message}


def _subject(request: Request, admitted: Admitted) -> dict[str, Any]:
    """What every command to a subscription carries."""
    return {
        "caller": admitted.identity.caller,
        "webhook_id": webhook_id_of(request),
        "organization_id": admitted.identity.organization_id,
    }


def _errand(command: WebhookCommand, status: int = 200) -> Errand:
    location = f"{WEBHOOKS}/{command.webhook_id}"
    return Errand("webhook", command.webhook_id, command, status, location, {"webhook_id": command.webhook_id})
