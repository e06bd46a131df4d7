"""Requests that change something over HTTP alone: under a key, each is carried out once and answered the same again."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Query, Response

from contracts.replies import Reply
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.store import Owner
from shared.errors import Refused
from shared.http import failure, success
from shared.mongo import Mongo
from shared.outcomes import Outcome, Outcomes, answer_repeat

REPLAYED = "X-Idempotent-Replay"
Result = Mapping[str, Any]
Do = Callable[[], Awaitable[Result]]
After = Callable[[], Awaitable[None]]


async def _nothing() -> None: ...


CommandId = Annotated[str | None, Query()]
"""What a key stands for; None: there was none."""


class Repeats:
    def __init__(self, mongo: Mongo, sealer: Sealer) -> None:
        self._outcomes = Outcomes(mongo)
        self._sealer = sealer

    async def once(
        self,
        organization_id: str,
        command_id: str | None,
        decide: Do,
        after: After = _nothing,
        value: str | None = None,
    ) -> Response:
        """Returns what `decide` comes to, or the first response again.

        Args:
            decide: Comes to the same if it is called again with the same command after a crash.
            after: What may be done once the outcome is stored; done again for a repeat.
            value: What tells the body from others, and must not be guessed from what is stored.

        Raises Unavailable, which is not stored.
        """
        response = await self._respond(organization_id, command_id, decide, value)
        await after()
        return response

    async def _respond(self, organization_id: str, command_id: str | None, decide: Do, value: str | None) -> Response:
        if command_id is None:
            return success(await decide())
        fingerprint = await self._fingerprint(organization_id, value) if value is not None else None
        known = await self._outcomes.find(organization_id, command_id)
        if known is not None:
            first, told = known.reply, known.fingerprint
            again = answer_repeat(first, told, fingerprint, is_redelivery=False, is_correctable=False)
            if again is not None:
                return _response(again)
        reply = await _decided(decide)
        await self._outcomes.save([
            Outcome(command_id, organization_id, reply.model_dump_json(), fingerprint)
        ])  # fmt: skip
        return _response(reply)

    async def _fingerprint(self, organization_id: str, value: str) -> str | None:
        """Its key goes with an erasure of the organization."""
        digest = hashlib.sha256(value.encode()).hexdigest()
        return await self._sealer.fingerprint_made(requests_of(organization_id), digest)


def requests_of(organization_id: str) -> Owner:
    """Whose key tells bodies of the organization's requests apart; no run and no secret has this name."""
    return Owner(organization_id, f"requests:{organization_id}")


async def _decided(decide: Do) -> Reply:
    try:
        return Reply(result=dict(await decide()))
    except Refused as refusal:
        return Reply(rejection=refusal.rejection)


def _response(reply: Reply) -> Response:
    headers = {REPLAYED: "true"} if reply.replayed else {}
    if reply.rejection is not None:
        return failure(reply.rejection, headers)
    return success(reply.result, headers=headers)
