"""Every operation × every way in that must stay shut. The table is in access.py."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.ports import HOST
from deploy.local.waiting import until
from services.gateway.documentation import Operation
from services.gateway.routes.operations import OPERATIONS
from services.gateway.routes.operations.outcomes import READ_OPERATION
from tests.conformance.access import (
    AUDIENCE,
    CASES,
    ISSUER,
    OURS,
    PERMISSIONS,
    PUBLISHED,
    THEIRS,
    Ask,
    Case,
    has_own_id,
    nobodys,
)  # fmt: skip
from tests.e2e.another import another
from tests.issuer import published
from tests.running_stack import RunningStack

SECRET_WORD = f"ours-{uuid.uuid4().hex}"
"""In everything that our organisation has; nobody else may ever see it."""
LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
BODIES: dict[str, dict[str, Any]] = {
    "create_playbook": {
        "playbook": {
            "name": SECRET_WORD,
            "smart_code": f"HERA.TEST.PLAYBOOK.ACCESS.N{uuid.uuid4().hex[:12].upper()}.v1",
            "steps": [{"name": SECRET_WORD, "sequence": 1}, {"name": "Then", "sequence": 2}],
        }
    },
    "archive_playbook": {},
    "restore_playbook": {},
    "start_run": {"run": {"initial_data": {"word": SECRET_WORD}}},
    "complete_step": {"completion": {"outcome": "success"}},
    "update_run": {"run": {"data": {"word": SECRET_WORD}}},
    "claim_step": {},
    "release_step": {},
    "create_delegation": {"delegation": {"substitute": SECRET_WORD, "ends_at": LATER}},
    "try_policy": {"document": {}},
    "put_policy": {"document": {"policy_id": SECRET_WORD}},
    "put_calendar": {
        "document": {"title": SECRET_WORD, "time_zone": "Europe/Berlin", "hours": {"monday": ["09:00-17:00"]}}
    },
    "signal_runs": {"filter": {"run_ids": ["run_1"]}, "signal": {"type": "event", "name": "any"}},
    "signal_run": {"signal": {"type": "event", "name": "any"}},
    "run_analytics": {},
    "create_webhook": {
        "webhook": {
            "url": f"https://{SECRET_WORD}.invalid",
            "event_types": ["run_completed"],
            "description": SECRET_WORD,
        }
    },
    "change_webhook": {"webhook": {"description": SECRET_WORD}},
    "enable_webhook": {},
    "rotate_key": {},
    "put_secret": {"secret": {"value": SECRET_WORD}},
    "rotate_secret": {},
    "test_webhook": {},
    "replay_delivery": {},
    "replay_failed_deliveries": {"since": "2024-01-15T11:00:00Z"},
}
BODIES["revise_playbook"] = BODIES["create_playbook"]
"""By operation: a body that would succeed."""


NAMES = {
    "playbook_id": "pb_1",
    "run_id": "run_1",
    "step_id": "step_001",
    "revision": "1",
    "operation_id": "op_1",
    "policy": "financial_controls",
    "calendar": "office_hours",
    "name": "crm_token",
    "webhook_id": "wh_1",
    "delivery_id": "msg_1",
    "delegation_id": "dlg_1",
}
"""By name of a path's parameter."""


@dataclass(frozen=True, slots=True)
class World:
    """What our organisation has, at a gateway that expects an issuer and an audience."""

    http: httpx.AsyncClient
    secret: str
    ids: dict[str, str]

    def ask(self, operation: Operation) -> Ask:
        assert operation.body is None or operation.name in BODIES, f"{operation.name} needs a row in BODIES"
        return Ask(operation, self.ids, BODIES.get(operation.name), self.secret)

    async def send(self, ask: Ask) -> httpx.Response:
        return await self.http.request(ask.operation.method, ask.path, content=ask.content(), headers=ask.all_headers())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(stack: RunningStack) -> AsyncIterator[World]:
    settings = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    async with published(PUBLISHED) as issuer:
        with another(stack, "gateway", **settings, JWT_JWKS_URL=issuer.url) as second:
            await second.until_ready()
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{second.port}", timeout=30, trust_env=False) as http:
                yield await _settled(World(http, stack.folder.jwt_secret(), {}))


async def _settled(world: World) -> World:
    """With a playbook, a run of it and a delegation."""
    by_name = {operation.name: operation for operation in OPERATIONS}
    playbook = (await world.send(world.ask(by_name["create_playbook"]))).json()["data"]
    BODIES["start_run"]["run"]["playbook_id"] = playbook["playbook_id"]
    run = (await world.send(world.ask(by_name["start_run"]))).json()["data"]
    world = replace(world, ids={**NAMES, "playbook_id": playbook["playbook_id"], "run_id": run["run_id"]})
    later = replace(world.ask(by_name["signal_run"]), headers={"Prefer": "respond-async"})
    operation_id = (await world.send(later)).json()["data"]["operation_id"]
    webhook = (await world.send(world.ask(by_name["create_webhook"]))).json()["data"]
    world = replace(world, ids={**world.ids, "operation_id": operation_id, "webhook_id": webhook["webhook_id"]})
    sent = (await world.send(world.ask(by_name["test_webhook"]))).json()["data"]
    delegation = (await world.send(world.ask(by_name["create_delegation"]))).json()["data"]
    more = {"delivery_id": sent["delivery_id"], "delegation_id": delegation["delegation_id"]}
    return replace(world, ids={**world.ids, **more})


def _combinations() -> list[Any]:
    """Each operation with each case that has a place in it."""
    nowhere = World(httpx.AsyncClient(), "x" * 32, NAMES)
    return [
        pytest.param(operation, case, id=f"{name}-{operation.name}")
        for name, case in CASES.items()
        for operation in OPERATIONS
        if case.change(nowhere.ask(operation)) is not None
    ]


@pytest.mark.parametrize(("operation", "case"), _combinations())
async def test_stays_shut(world: World, operation: Operation, case: Case) -> None:
    asked = case.change(world.ask(operation))
    assert asked is not None
    answer = await world.send(asked)
    error = answer.json()
    assert (answer.status_code, error["error"]["code"]) == (case.status, case.code)
    assert error["success"] is False
    assert answer.headers["X-Request-ID"]
    assert SECRET_WORD not in answer.text + str(answer.headers)


async def test_a_published_key_opens_as_the_secret_does(world: World) -> None:
    reads = [operation for operation in OPERATIONS if operation.method == "GET"]
    for ask in map(world.ask, reads):
        assert (await world.send(replace(ask, sign=PUBLISHED.sign))).status_code == (await world.send(ask)).status_code


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if has_own_id(o)], ids=lambda operation: operation.name)
async def test_another_tenant_s_is_as_unknown(world: World, operation: Operation) -> None:
    """In status, body and headers, but for the id that was sent and what every request has of its own."""
    theirs = replace(world.ask(operation), organization_id=THEIRS)
    unknown_to_all = replace(theirs, ids={name: nobodys(known) for name, known in world.ids.items()})
    foreign, unknown = await world.send(theirs), await world.send(unknown_to_all)
    assert foreign.status_code == unknown.status_code == 404
    assert _leveled(foreign.text, theirs) == _leveled(unknown.text, unknown_to_all)
    assert set(foreign.headers) == set(unknown.headers)


@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if has_own_id(o) and o.command], ids=lambda operation: operation.name
)
async def test_another_tenant_s_is_as_unknown_to_whoever_does_not_wait(world: World, operation: Operation) -> None:
    theirs = replace(world.ask(operation), organization_id=THEIRS, headers={"Prefer": "respond-async"})
    unknown_to_all = replace(theirs, ids={name: nobodys(known) for name, known in world.ids.items()})
    outcomes = [await _in_the_end(world, ask) for ask in (theirs, unknown_to_all)]
    for answer, _ in outcomes:
        assert answer.status_code == 404 or answer.json()["data"]["status"] == "failed"
    foreign, unknown = [
        _leveled(answer.text.replace(operation_id, "<operation>"), ask)
        for (answer, operation_id), ask in zip(outcomes, (theirs, unknown_to_all), strict=True)
    ]
    assert foreign == unknown


async def _in_the_end(world: World, ask: Ask) -> tuple[httpx.Response, str]:
    """Where its 202 leads to, once there is an outcome; and the operation's id.

    Data for a run that nobody knows is refused at once: what of it would have to be encrypted is not known either.
    """
    answer = await world.send(ask)
    if answer.status_code == 404:
        return answer, "no operation"
    operation_id = answer.json()["data"]["operation_id"]
    outcome = Ask(READ_OPERATION, {"operation_id": operation_id}, None, world.secret, organization_id=THEIRS)
    answers: list[httpx.Response] = []

    async def is_known() -> bool:
        answers.append(await world.send(outcome))
        return bool(answers[-1].json()["data"]["status"] != "running")

    await asyncio.wait_for(until(is_known), 20)
    return answers[-1], operation_id


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_shows_another_tenant_nothing(world: World, operation: Operation) -> None:
    ask = replace(world.ask(operation), organization_id=THEIRS)
    content = ask.content()
    ask = replace(ask, raw=content.replace(SECRET_WORD.encode(), b"theirs") if content else None)
    answer = await world.send(ask)
    assert answer.status_code < 500
    shown = answer.text + str(answer.headers)
    # Their access log tells them which ids they have asked for themselves.
    is_what_they_sent = answer.status_code == 404 or operation.name == "read_access_log"
    sent = {world.ids["playbook_id"], world.ids["run_id"]} if is_what_they_sent else set()
    for ours in (SECRET_WORD, OURS, *({world.ids["playbook_id"], world.ids["run_id"]} - sent)):
        assert ours not in shown


def _leveled(text: str, ask: Ask) -> str:
    for name, known in sorted(ask.ids.items(), key=lambda item: -len(item[1])):
        text = text.replace(known, f"<{name}>")
    return text


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("create_playbook", "playbook:read"), ("put_policy", "policy:read"), ("put_calendar", "policy:read"),
        ("create_webhook", "webhook:read"), ("create_delegation", "run:read"), ("signal_run", "run:read"),
    ],
)  # fmt: skip
async def test_how_a_command_came_out_is_for_those_who_may_read_what_it_was_about(
    world: World, name: str, reading: str
) -> None:
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    answer = await world.send(replace(world.ask(operation), headers={"Prefer": "respond-async"}))
    outcome = replace(world.ask(READ_OPERATION), ids={"operation_id": answer.json()["data"]["operation_id"]})
    for permissions, status in (((reading,), 200), (tuple(PERMISSIONS - {reading}), 403)):
        assert (await world.send(replace(outcome, permissions=permissions))).status_code == status, permissions
