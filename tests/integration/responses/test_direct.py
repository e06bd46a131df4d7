"""Requests that go to the engine over HTTP alone: secrets, and all of an organization's encrypted data.

They are answered when they are done, or fail with 503; under a key they are done once.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.responses.cases import playbook
from tests.integration.responses.world import Call, Organization, World

MANY = 40
REPLAY = "x-idempotent-replay"


@dataclass(frozen=True)
class Direct:
    call: Call
    other: Call | None
    """Another body under the same key."""
    seen: str
    turn: Sequence[Call]
    """After it, the call would do something else if it were carried out again."""
    status: int = 200


def put(value: str, name: str = "crm") -> Call:
    return Call("PUT", f"/secrets/{name}", {"secret": {"value": value}})


ERASE = Call("DELETE", "/organization/encrypted-data")
DELETE = Call("DELETE", "/secrets/crm")


async def put_secret(org: Organization) -> Direct:
    await org.done(put("the first value"))
    return Direct(put("the second value"), put("another value"), "/secrets", [put("the third value")])


async def delete_secret(org: Organization) -> Direct:
    await org.done(put("the first value"))
    return Direct(DELETE, None, "/secrets", [put("set again, later")])


async def delete_unknown_secret(org: Organization) -> Direct:
    return Direct(DELETE, None, "/secrets", [put("set for the first time")], 404)


async def erase_organization(org: Organization) -> Direct:
    """What was encrypted after it can be read: the run shows its value, not that it was erased."""
    field = {"name": "ssn", "type": "text", "encrypted": True}
    made = await org.done(playbook({"step_type": "form", "metadata": {"form_fields": [field]}}))
    run = await org.done(Call("POST", "/playbook-runs", {"run": {"playbook_id": made["playbook_id"]}}))
    path = f"/playbook-runs/{run['run_id']}"
    update = Call("PATCH", path, {"run": {"data": {"ssn": "219-09-9999"}}})
    await org.done(update)
    return Direct(ERASE, None, path, [update])


async def rotate_key(org: Organization) -> Direct:
    rotate = Call("POST", "/organization/encryption-keys", {})
    return Direct(rotate, None, "/secrets", [rotate])


Prepare = Callable[[Organization], Awaitable[Direct]]
DIRECT: tuple[Prepare, ...] = (put_secret, delete_secret, delete_unknown_secret, erase_organization, rotate_key)


@pytest.mark.parametrize("prepare", DIRECT, ids=lambda case: case.__name__)
async def test_what_was_told_comes_again_under_the_key_and_nothing_is_done_again(
    world: World, prepare: Prepare
) -> None:
    org, key = Organization(world), uuid.uuid4().hex
    direct = await prepare(org)
    first = await org.ask(direct.call, key)
    assert first.status_code == direct.status, first.text
    for call in direct.turn:
        await org.done(call)
    for number in range(MANY):
        await org.ask(put("a value that is long", f"n{number}"))
    await check_repeats(org, direct, key, first.json())


@pytest.mark.parametrize("prepare", DIRECT, ids=lambda case: case.__name__)
async def test_wherever_the_engine_dies_it_is_done_once(world: World, prepare: Prepare) -> None:
    at, dies = 0, True
    while dies:
        dies = await done_once(world, prepare, at)
        at += 1
    assert at > 1, "it has more points than that"


async def done_once(world: World, prepare: Prepare, at: int) -> bool:
    """Whether there was such a point."""
    org, key = Organization(world), uuid.uuid4().hex
    direct = await prepare(org)
    died = await asked_of_the_dying(org, direct.call, key, at)
    first = await org.ask(direct.call, key)
    assert first.status_code == direct.status, first.text
    for call in direct.turn:
        await org.done(call)
    await check_repeats(org, direct, key, first.json())
    return died


async def asked_of_the_dying(org: Organization, call: Call, key: str, at: int) -> bool:
    life = org.world.services["run_engine"].mongo.life  # type: ignore[attr-defined]
    life.points_left = at
    response = await org.ask(call, key)
    died = life.points_left is None
    assert (response.status_code == 503) == died, response.text
    life.begin_anew()
    return died


async def check_repeats(org: Organization, direct: Direct, key: str, first: Any) -> None:
    before = await org.read(direct.seen)
    for forgotten in (False, True):
        if forgotten:
            await org.world.forget_keys()
        again = await org.ask(direct.call, key)
        assert (again.json(), again.headers.get(REPLAY)) == (first, "true")
        if direct.other is not None:
            conflict = await org.ask(direct.other, key)
            assert conflict.json()["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert await org.read(direct.seen) == before
