"""What each response guarantees (docs/responses.md), for every kind of command.

The model is small: a command is accepted or refused once, its caller is told what happened, and that stays so.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson
import pytest

from tests.integration.responses.cases import CASES, Case, Prepare
from tests.integration.responses.world import Call, Organization, World

MANY = 40
REPLAY = "x-idempotent-replay"
Mode = Literal["answered", "timed out", "asynchronous"]
Told = tuple[Literal["accepted", "refused"], Any]
"""What a caller was told, and with which data or error."""


@dataclass
class Sent:
    """A request as it was sent, and what it came to at first."""

    wanted: str
    call: Call
    key: str | None
    command_id: str
    response: httpx.Response


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("mode", ["answered", "timed out"])
async def test_what_was_told_stays_so_and_comes_again_under_the_key(world: World, prepare: Prepare, mode: Mode) -> None:
    org = Organization(world)
    case = await prepare(org)
    sent = await send(org, case, mode, keyed=True)
    firsts = [await told(org, request) for request in sent]
    assert [first[0] for first in firsts] == list(case.calls)
    await turn(org, case)
    await further(org, case)
    for forgotten in (False, True, False):
        if forgotten:
            await world.forget_keys()
        assert [await told(org, request) for request in sent] == firsts
        before, events = await org.read(case.seen), [set(world.log.events[request.command_id]) for request in sent]
        again = [await org.ask(request.call, request.key) for request in sent]
        assert [outcome_in(response) for response in again] == firsts
        assert all(response.headers[REPLAY] == "true" for response in again)
        assert (await org.read(case.seen), [world.log.events[r.command_id] for r in sent]) == (before, events)


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
async def test_an_operation_without_a_key_stays_what_it_was(world: World, prepare: Prepare) -> None:
    org = Organization(world)
    case = await prepare(org)
    sent = await send(org, case, "timed out", keyed=False)
    firsts = [await told(org, request) for request in sent]
    assert [first[0] for first in firsts] == list(case.calls)
    await turn(org, case)
    await further(org, case)
    assert [await told(org, request) for request in sent] == firsts


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
async def test_wherever_its_owner_dies_a_command_is_decided_once(world: World, prepare: Prepare) -> None:
    at, dies = 0, True
    while dies:
        dies = await decided_once(world, prepare, at)
        at += 1
    assert at > 5, "a command has more points than that"


async def decided_once(world: World, prepare: Prepare, at: int) -> bool:
    """Whether there was such a point. Every other time the requests have keys."""
    org = Organization(world)
    case = await prepare(org)
    begin = world.position(case.owner)
    sent = await send(org, case, "asynchronous", keyed=at % 2 == 0, take=False)
    dies = await world.crash(case.owner, at)
    await world.pump()
    firsts = [await told(org, request) for request in sent]
    assert [first[0] for first in firsts] == list(case.calls)
    await turn(org, case)
    before = await org.read(case.seen)
    await world.deliver_again(case.owner, begin)
    assert [await told(org, request) for request in sent] == firsts
    assert await org.read(case.seen) == before
    for request, first in zip(sent, firsts, strict=True):
        replies = world.log.replies[request.command_id]
        assert {reply.rejection is None for reply in replies} == {first[0] == "accepted"}, "told both"
        if case.owner != "notifier":  # which publishes none
            assert bool(world.log.events[request.command_id]) == (first[0] == "accepted")
    return dies


async def send(org: Organization, case: Case, mode: Mode, *, keyed: bool, take: bool = True) -> list[Sent]:
    """`take`: the owners take them, if late."""
    sent = []
    org.world.answers = mode == "answered"
    for wanted, call in case.calls.items():
        key = uuid.uuid4().hex if keyed else None
        response = await org.ask(call, key, asynchronous=mode == "asynchronous")
        assert (response.status_code == 202) == (mode != "answered"), response.text
        sent.append(Sent(wanted, call, key, _newest_command(org.world, case.owner), response))
    org.world.answers = True
    if take:
        await org.world.pump()
    return sent


def _newest_command(world: World, owner: str) -> str:
    topic = {"run_engine": "run.commands", "playbook_registry": "registry.commands", "notifier": "notifier.commands"}
    return str(orjson.loads(world.log.records[topic[owner]][-1].value or b"")["id"])


async def turn(org: Organization, case: Case) -> None:
    for call in case.turn:
        await org.done(call)


async def further(org: Organization, case: Case) -> None:
    for number in range(MANY):
        await org.ask(case.further(number))


async def told(org: Organization, request: Sent) -> Told:
    """What the caller knows now: by the response, or by the operation that it names."""
    if request.response.status_code != 202:
        return outcome_in(request.response)
    operation = await org.read(request.response.headers["Location"].removeprefix("/api/v1"))
    assert operation["status"] in ("succeeded", "failed"), operation
    return ("accepted", operation["result"]) if operation["status"] == "succeeded" else ("refused", operation["error"])


def outcome_in(response: httpx.Response) -> Told:
    content = response.json()
    if response.status_code >= 400:
        return "refused", content["error"]
    for shown_only in ("secret", "warnings"):  # of a webhook: the gateway adds them to what is kept
        content["data"].pop(shown_only, None)
    return "accepted", content["data"]
