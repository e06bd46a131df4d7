"""Commands: out to Kafka, and the reply back into an HTTP answer."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaError
from fastapi import Request, Response

from contracts.commands import Command
from contracts.rejections import Code
from contracts.replies import Reply
from contracts.topics import Topic
from services.gateway.admission import Admitted
from shared import clock
from shared.correlation import correlation
from shared.errors import Refused, Unavailable
from shared.http import failure, success
from shared.ids import new_id, stable_id
from shared.messages import command_message
from shared.request_reply import Requester

_MAX_KEY_LENGTH = 200
_NOT_ACKNOWLEDGED = "Kafka has not acknowledged the command ({}); send it again under the same Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish of a caller: with an Idempotency-Key, the same ids and fingerprint each time that it is sent."""

    organization_id: str
    command_id: str
    fingerprint: str | None

    def id_of(self, prefix: str) -> str:
        """The id of what the command creates."""
        return stable_id(prefix, self.command_id)


@dataclass(frozen=True, slots=True)
class Errand:
    """A command and where it goes; `created` names what it makes or changes, `location` is where that is seen."""

    topic: Topic
    key: str
    command: Command
    status: int
    location: str
    subject: dict[str, Any]


def wish_of(request: Request, admitted: Admitted) -> Wish:
    """Raises Refused (VALIDATION_ERROR) for an Idempotency-Key that can't be one."""
    organization_id = admitted.identity.organization_id
    key = request.headers.get("idempotency-key")
    if key is None:
        return Wish(organization_id, new_id("cmd"), None)
    if not (0 < len(key) <= _MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise Refused(
            Code.VALIDATION_ERROR,
            "Request validation failed",
            field="Idempotency-Key",
            value=key[:_MAX_KEY_LENGTH],
            reason=f"1 to {_MAX_KEY_LENGTH} printable ASCII characters",
        )
    command_id = stable_id("cmd", organization_id, request.method, request.scope["path"], key)
    return Wish(organization_id, command_id, hashlib.sha256(admitted.raw).hexdigest())


class Commands:
    """Sends commands and waits for their replies."""

    def __init__(self, requester: Requester, timeout_seconds: float, max_in_flight: int) -> None:
        self._requester = requester
        self._timeout_seconds = timeout_seconds
        self._max_in_flight = max_in_flight

    async def run(self, wish: Wish, errand: Errand) -> Response:
        """The reply as an answer; 202 where none came in time. Raises Unavailable where Kafka can't be reached."""
        reply = await self._ask(wish, errand)
        if reply is None:
            return success({"operation": "accepted", **errand.subject}, 202, {"Location": errand.location})
        headers = {"X-Idempotent-Replay": "true"} if reply.replayed else {}
        if reply.rejection is not None:
            return failure(reply.rejection, headers)
        if errand.status == 201:
            headers["Location"] = errand.location
        return success(reply.result, errand.status, headers)

    async def _ask(self, wish: Wish, errand: Errand) -> Reply | None:
        if not self._requester.ready():
            raise Unavailable("The gateway is not connected to Kafka")
        if self._requester.in_flight >= self._max_in_flight:
            raise Unavailable(f"{self._max_in_flight} commands wait for their replies already")
        now = clock.now()
        current = correlation()
        message = command_message(
            errand.topic.name,
            errand.key,
            errand.command,
            message_id=wish.command_id,
            organization_id=wish.organization_id,
            correlation_id=current.correlation_id,
            time=now,
            traceparent=current.traceparent,
            deadline=now + timedelta(seconds=self._timeout_seconds),
            reply_to=self._requester.address,
            fingerprint=wish.fingerprint,
        )
        try:
            return await self._requester.ask(wish.command_id, message, self._timeout_seconds)
        except KafkaError as error:
            raise Unavailable(_NOT_ACKNOWLEDGED.format(type(error).__name__)) from error
