"""A request finds its reply on the real broker, and only its own, whatever else is on the topic."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaError

from contracts import topics
from contracts.commands import ResumeRun
from contracts.replies import Reply
from contracts.values import Caller
from shared import clock
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message
from shared.request_reply import Requester
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually
from tests.kafka import Log

LONG = 20.0
SHORT = 0.2


@dataclass
class Exchange:
    """Two gateways' requesters that share a partition, and somebody who answers."""

    settings: ServiceSettings
    publisher: Publisher
    requester: Requester
    neighbour: Requester
    parked: Log

    async def ask(self, command_id: str, timeout: float = LONG, by: Requester | None = None) -> Reply | None:
        return await (by or self.requester).ask(command_id, _command(command_id), timeout)

    async def answer(self, command_id: str, sequence: int) -> None:
        await self.publisher.publish([self.reply(command_id, sequence)])

    def reply(self, command_id: str, sequence: int) -> OutgoingMessage:
        made = _message(topics.GATEWAY_REPLIES.name, command_id, Reply(result={}, sequence=sequence), new_id("reply"))
        return replace(made, partition=self.requester.address.partition)

    async def asked(self, command_id: str, by: Requester | None = None) -> "asyncio.Task[Reply | None]":
        """The question under way, once it waits for its reply."""
        asking = asyncio.create_task(self.ask(command_id, by=by))

        async def waits() -> bool:
            return command_id in (by or self.requester)._waiting

        await eventually(waits)
        return asking


def _command(command_id: str) -> OutgoingMessage:
    # To a topic that no other test's service reads.
    command = ResumeRun(caller=Caller(id="u"), signal_id="sig_1")
    return _message(topics.WORKER_JOBS.name, "run_1", command, command_id)


def _message(topic: str, key: str, payload: Any, message_id: str) -> OutgoingMessage:
    return command_message(
        topic,
        key,
        payload,
        message_id=message_id,
        organization_id="org_1",
        correlation_id="req_1",
        time=clock.now(),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def exchange(infrastructure: Infrastructure) -> AsyncIterator[Exchange]:
    settings = ServiceSettings.model_validate({n.lower(): v for n, v in infrastructure.settings.items()})
    publisher = Publisher(settings, "test")
    requester, neighbour = (Requester(settings, publisher, topics.GATEWAY_REPLIES, "test") for _ in range(2))
    neighbour.address = requester.address
    parked = Log(infrastructure.bootstrap_servers, topics.GATEWAY_REPLIES.parked)
    await publisher.start()
    await asyncio.gather(requester.start(), neighbour.start(), parked.open())
    yield Exchange(settings, publisher, requester, neighbour, parked)
    await asyncio.gather(requester.stop(), neighbour.stop(), parked.close())
    await publisher.stop()


async def test_a_request_gets_its_reply(exchange: Exchange) -> None:
    command_id = new_id("cmd")
    asking = await exchange.asked(command_id)
    await exchange.answer(command_id, 7)
    reply = await asking
    assert reply is not None
    assert reply.sequence == 7
    assert exchange.requester.in_flight == 0


async def test_many_requests_get_each_its_own_reply_in_any_order(exchange: Exchange) -> None:
    ids = [new_id("cmd") for _ in range(200)]
    asking = [await exchange.asked(command_id) for command_id in ids]
    await exchange.publisher.publish([exchange.reply(ids[n], n) for n in reversed(range(200))])
    assert [reply.sequence for reply in await asyncio.gather(*asking) if reply] == list(range(200))


async def test_none_comes_back_where_nobody_answers_in_time(exchange: Exchange) -> None:
    assert await exchange.ask(new_id("cmd"), SHORT) is None
    assert exchange.requester.in_flight == 0


async def test_a_reply_that_comes_too_late_disturbs_nobody(exchange: Exchange) -> None:
    late, next_one = new_id("cmd"), new_id("cmd")
    assert await exchange.ask(late, SHORT) is None
    asking = await exchange.asked(next_one)
    await exchange.answer(late, 1)
    await exchange.answer(next_one, 2)
    reply = await asking
    assert reply is not None
    assert reply.sequence == 2


async def test_instances_that_share_a_partition_get_only_their_own_replies(exchange: Exchange) -> None:
    ours, theirs = new_id("cmd"), new_id("cmd")
    asking = await exchange.asked(ours), await exchange.asked(theirs, by=exchange.neighbour)
    await exchange.answer(theirs, 2)
    await exchange.answer(ours, 1)
    replies = await asyncio.gather(*asking)
    assert [reply.sequence for reply in replies if reply] == [1, 2]


async def test_one_wish_that_is_sent_twice_at_once_is_answered_twice(exchange: Exchange) -> None:
    command_id = new_id("cmd")
    first, second = await exchange.asked(command_id), await exchange.asked(command_id)
    await exchange.answer(command_id, 3)
    replies = await asyncio.gather(first, second)
    assert [reply.sequence for reply in replies if reply] == [3, 3]


async def test_no_reply_to_the_first_request_is_missed(exchange: Exchange) -> None:
    fresh = Requester(exchange.settings, exchange.publisher, topics.GATEWAY_REPLIES, "test")
    fresh.address = exchange.requester.address
    await fresh.start()
    command_id = new_id("cmd")
    asking = await exchange.asked(command_id, by=fresh)
    await exchange.answer(command_id, 1)
    assert await asking is not None
    await fresh.stop()


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b'{"id": 1}'])
async def test_a_reply_that_is_none_is_parked_and_the_next_gets_through(exchange: Exchange, value: bytes) -> None:
    command_id = new_id("cmd")
    asking = await exchange.asked(command_id)
    bad = replace(exchange.reply(command_id, 1), value=value)
    await exchange.publisher.publish([bad])
    await exchange.answer(command_id, 2)
    reply = await asking
    assert reply is not None
    assert reply.sequence == 2
    parked = [orjson.loads(record.value) for record in await eventually(exchange.parked.records)]
    ours = [document for document in parked if b64decode(document["key_base64"]).decode() == command_id]
    assert [b64decode(document["value_base64"] or "") for document in ours] == [value]


async def test_says_when_the_command_cannot_be_handed_over(exchange: Exchange) -> None:
    silent = Requester(exchange.settings, Publisher(exchange.settings, "test"), topics.GATEWAY_REPLIES, "test")
    with pytest.raises(KafkaError):
        await exchange.ask(new_id("cmd"), by=silent)
    assert silent.in_flight == 0


async def test_a_reply_that_is_newer_leaves_the_caller_waiting_and_is_reported(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not parked: its outcome can be read as an operation."""
    command_id = new_id("cmd")
    with monkeypatch.context() as newer:
        newer.setattr(Reply, "VERSION", 2)
        reply = exchange.reply(command_id, 1)
    asking = await exchange.asked(command_id)
    await exchange.publisher.publish([reply])

    async def is_reported() -> bool:
        return exchange.requester.address.partition in exchange.requester.newer.reasons()

    await eventually(is_reported)
    assert not asking.done()
    asking.cancel()
    assert await exchange.parked.records() == []
