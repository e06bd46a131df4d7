"""Commands: out to Kafka, and the reply back into an HTTP answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from fastapi import Request, Response

from contracts import topics
from contracts.commands import Command
from contracts.rejections import Code, Rejection, other_body
from contracts.replies import Reply
from contracts.topics import Topic
from services.gateway.admission import Admitted
from services.gateway.operation_ids import Kind, OperationId
from services.gateway.outcomes import CommandOutcomes
from services.gateway.owners import BEHIND, CONSISTENCY, REPLAYED
from services.gateway.store import FirstAnswer, IdempotencyKeys, Known
from services.gateway.wishes import Wish, wish_of
from shared import clock
from shared.correlation import correlation
from shared.errors import Refused, Unavailable
from shared.http import failure, success
from shared.messages import OutgoingMessage, command_message
from shared.mongo import StoreFault
from shared.request_reply import Requester

OPERATIONS_PATH = "/api/v1/operations"
_KEPT_HEADERS = frozenset({"location", "x-consistency"})
_NOT_ACKNOWLEDGED = "Kafka has not acknowledged the command ({}); send it again under the same Idempotency-Key"
_UNDER_WAY = Rejection(
    code=Code.IDEMPOTENCY_CONFLICT,
    message="A request under this Idempotency-Key is under way",
    details={"field": "Idempotency-Key", "reason": "Its outcome is not known yet; send it again in a moment"},
)
log = structlog.get_logger()


InForce = Callable[[Mapping[str, Any]], Awaitable[bool]]
"""Whether what the reply's result says is in force; False where it can't be told in time."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A command and where it goes; `subject` names what it makes or changes, `location` is where that is seen."""

    kind: Kind
    key: str
    command: "Command | Prepare"
    status: int
    location: str
    subject: dict[str, Any]
    in_force: InForce | None = None
    """Waited for before the answer, where the answer promises what another service has yet to learn."""

    @property
    def topic(self) -> Topic:
        return _TOPICS[self.kind]


_TOPICS: dict[Kind, Topic] = {
    "run": topics.RUN_COMMANDS,
    "playbook": topics.REGISTRY_COMMANDS,
    "policy": topics.REGISTRY_COMMANDS,
    "calendar": topics.REGISTRY_COMMANDS,
    "delegation": topics.REGISTRY_COMMANDS,
    "bulk": topics.BULK_COMMANDS,
    "webhook": topics.NOTIFIER_COMMANDS,
}
Prepare = Callable[[], Awaitable[Command]]
"""What must be asked before a command can be sent. Raises Refused."""


Do = Callable[[], Awaitable[Response]]


class Commands:
    """Sends commands and waits for their replies."""

    def __init__(
        self,
        requester: Requester,
        keys: IdempotencyKeys,
        outcomes: CommandOutcomes,
        timeout_seconds: float,
        max_in_flight: int,
    ) -> None:
        self._requester = requester
        self._keys = keys
        self._outcomes = outcomes
        self._timeout_seconds = timeout_seconds
        self._max_in_flight = max_in_flight

    async def wish_of(self, request: Request, admitted: Admitted) -> Wish:
        """Returns the wish, under the id that its key had before an upgrade to keys of callers if it was used then.

        Raises Refused (VALIDATION_ERROR) for an Idempotency-Key that can't be one.
        """
        wish = wish_of(request, admitted)
        if wish.former_id is None:
            return wish
        try:
            was_used = await self._keys.has(wish.former_id)
        except StoreFault as error:
            log.warning("idempotency_keys_not_reached", error=repr(error)[:300])
            return wish
        return replace(wish, command_id=wish.former_id) if was_used else wish

    async def run(self, wish: Wish, errand: Errand) -> Response:
        """The reply as an answer; 202 where none came in time, or none is waited for.

        Under an Idempotency-Key the first answer again. Raises Unavailable where Kafka can't be reached, Refused for a
        key that was sent with another body.
        """
        return await self.once(wish, partial(self._done, wish, errand))

    async def once(self, wish: Wish, do: Do) -> Response:
        """What `do` answers; under an Idempotency-Key its first answer again. Raises Refused as `run` does."""
        if wish.fingerprint is None:
            return await do()
        try:
            known = await self._keys.claim(wish.command_id, wish.fingerprint)
        except StoreFault as error:
            log.warning("idempotency_keys_not_reached", error=repr(error)[:300])
            return await do()  # the owners of the answers tell repeats apart all the same
        return _again(wish, known) if known is not None else await self._kept(wish, do)

    async def _kept(self, wish: Wish, do: Do) -> Response:
        """The answer, kept for those who send the same key again."""
        try:
            answer = await do()
        except Refused:
            await self._note(self._keys.let_go(wish.command_id))
            raise
        except BaseException:
            await self._note(self._keys.leave_open(wish.command_id))
            raise
        if answer.status_code == 202 or answer.status_code >= 500:
            await self._note(self._keys.leave_open(wish.command_id, answer.headers.get("location")))
        else:
            headers = {name: value for name, value in answer.headers.items() if name in _KEPT_HEADERS}
            first = FirstAnswer(answer.status_code, bytes(answer.body), headers)
            await self._note(self._keys.settle(wish.command_id, first))
        return answer

    async def _note(self, work: Awaitable[None]) -> None:
        try:
            await asyncio.shield(work)
        except StoreFault as error:
            log.warning("idempotency_keys_not_reached", error=repr(error)[:300])

    async def _done(self, wish: Wish, errand: Errand) -> Response:
        try:
            command = errand.command if isinstance(errand.command, Command) else await self._prepare(errand.command)
        except Refused as refusal:
            return await self._find_earlier(wish, errand, refusal)
        reply = await self._ask(wish, errand, command)
        if reply is None:
            return await self._build_accepted(wish, errand)
        return await self._build_response(wish, errand, reply)

    async def _prepare(self, prepare: Prepare) -> Command:
        """Asks several services, one after the other, each of which may take as long as all of them together."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await prepare()
        except TimeoutError:
            raise Unavailable("What the request needs to know could not be read in time") from None

    async def _find_earlier(self, wish: Wish, errand: Errand, refusal: Refused) -> Response:
        """Returns what the same request came to when its command could still be sent. Raises the refusal otherwise."""
        if wish.fingerprint is None:
            raise refusal
        was_accepted = await self._find_location(wish) is not None
        try:
            operation = OperationId(errand.kind, errand.key, wish.command_id)
            outcome = await self._outcomes.find(operation, wish.organization_id)
        except Unavailable:
            if not was_accepted:
                raise
            return await self._build_accepted(wish, errand)
        if outcome.reply is not None:
            return await self._build_response(wish, errand, _as_replay(outcome.reply, outcome.fingerprint, wish))
        if was_accepted:
            return await self._build_accepted(wish, errand)
        raise refusal

    async def _build_response(self, wish: Wish, errand: Errand, reply: Reply) -> Response:
        headers = {REPLAYED: "true"} if reply.replayed else {}
        if reply.rejection is not None:
            return failure(reply.rejection, headers)
        if errand.status == 202:
            return await self._build_accepted(wish, errand)  # taken, and to be watched
        if errand.status == 201:
            headers["Location"] = errand.location
        if errand.in_force is not None and not await errand.in_force(reply.result or {}):
            headers[CONSISTENCY] = BEHIND
        return success(reply.result, errand.status, headers)

    async def _build_accepted(self, wish: Wish, errand: Errand) -> Response:
        """Under an Idempotency-Key it names the same operation each time."""
        location = await self._find_location(wish)
        if location is None:
            operation = OperationId(errand.kind, errand.key, wish.command_id, clock.now())
            location = f"{OPERATIONS_PATH}/{operation.text(wish.organization_id)}"
        headers = {"Location": location} | ({"Preference-Applied": "respond-async"} if wish.asynchronous else {})
        operation_id = location.rpartition("/")[2]
        return success({"operation": "accepted", "operation_id": operation_id, **errand.subject}, 202, headers)

    async def _find_location(self, wish: Wish) -> str | None:
        """Returns what the first 202 under the wish's key named, None if there was none or it can't be told."""
        try:
            return await self._keys.location(wish.command_id) if wish.fingerprint is not None else None
        except StoreFault as error:
            log.warning("idempotency_keys_not_reached", error=repr(error)[:300])
            return None

    async def _ask(self, wish: Wish, errand: Errand, command: Command) -> Reply | None:
        if not self._requester.ready():
            raise Unavailable("The gateway is not connected to Kafka")
        if self._requester.in_flight >= self._max_in_flight:
            raise Unavailable(f"{self._max_in_flight} commands wait for their replies already")
        message = self._message(wish, errand, command)
        try:
            if wish.asynchronous:
                await self._requester.send(message, self._timeout_seconds)
                return None
            return await self._requester.ask(wish.command_id, message, self._timeout_seconds)
        except KafkaError as error:
            raise Unavailable(_NOT_ACKNOWLEDGED.format(type(error).__name__)) from error

    def _message(self, wish: Wish, errand: Errand, command: Command) -> OutgoingMessage:
        now = clock.now()
        current = correlation()
        return command_message(
            errand.topic.name,
            errand.key,
            command,
            message_id=wish.command_id,
            organization_id=wish.organization_id,
            correlation_id=current.correlation_id,
            time=now,
            traceparent=current.traceparent,
            deadline=now + timedelta(seconds=self._timeout_seconds),
            reply_to=self._requester.address,
            fingerprint=wish.fingerprint,
        )


def _as_replay(reply: Reply, fingerprint: str | None, wish: Wish) -> Reply:
    """Raises Refused if the reply is to another body; owners that know only one body give no fingerprint."""
    if fingerprint not in (None, wish.fingerprint):
        raise Refused.because(other_body(fingerprint, wish.fingerprint))
    return reply.model_copy(update={"replayed": True})


def _again(wish: Wish, known: Known) -> Response:
    """What came of the same key before. Raises Refused where that was another body."""
    if known.fingerprint != wish.fingerprint:
        raise Refused.because(other_body(known.fingerprint, wish.fingerprint))
    if known.answer is None:
        return failure(_UNDER_WAY, {"Retry-After": "1"})
    headers = {**known.answer.headers, REPLAYED: "true"}
    return Response(known.answer.body, known.answer.status, headers, media_type="application/json")
