"""A playbook of a wrong shape is refused with what the registry finds beside it, also where that is silent."""

import json
from typing import Any

import pytest
from aiohttp import web

from contracts.values import Caller
from services.gateway.admission import Admitted
from services.gateway.owners import Owner
from services.gateway.routes.drafts import draft_of
from services.gateway.shapes.requests import PlaybookCreation, PlaybookRevision
from shared.auth import Identity
from shared.errors import Refused
from tests.infrastructure import TOKEN
from tests.unit.gateway.test_owners import owner

WRONG = {"name": "Test", "smart_code": "HERA.X", "steps": [{"name": "A", "sequence": "1"}]}
BESIDE = {"code": "SMART_CODE_INVALID", "message": "m", "field": "playbook.smart_code", "reason": "r"}


def admitted(playbook: Any) -> Admitted:
    body = {"organization_id": "org_1", "playbook": playbook}
    return Admitted(Identity(Caller(id="ann"), "org_1", 0), json.dumps(body).encode(), body)


async def refused(playbook: Any, registry: Owner, model: Any = PlaybookCreation) -> list[dict[str, Any]]:
    with pytest.raises(Refused) as caught:
        await draft_of(model, admitted(playbook), registry)
    details = caught.value.rejection.details
    assert details["field"] == details["errors"][0]["field"]
    errors: list[dict[str, Any]] = details["errors"]
    return errors


async def beside(request: web.Request) -> web.Response:
    assert (request.path, await request.json()) == ("/internal/playbooks/faults", WRONG)
    return web.json_response({"success": True, "data": {"errors": [BESIDE]}})


@pytest.mark.parametrize("model", [PlaybookCreation, PlaybookRevision])
async def test_the_shape_comes_first_and_what_else_is_wrong_with_it(model: Any) -> None:
    async with owner(beside) as (registry, _):
        first, second = await refused(WRONG, registry, model)
    assert (first["code"], first["field"]) == ("VALIDATION_ERROR", "steps[0].sequence")
    assert second == BESIDE


async def test_the_shape_is_told_also_where_the_registry_says_nothing() -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.json_response({"success": False, "error": {"code": "INTERNAL_ERROR", "message": "m"}}, status=500)

    async with owner(broken) as (registry, _):
        assert [error["field"] for error in await refused(WRONG, registry)] == ["steps[0].sequence"]
    gone = Owner("registry", "http://127.0.0.1:9", 1.0, TOKEN)
    assert [error["field"] for error in await refused(WRONG, gone)] == ["steps[0].sequence"]
    await gone.close()


async def test_nothing_is_asked_about_what_is_no_object() -> None:
    async def unasked(_: web.Request) -> web.Response:
        raise AssertionError

    async with owner(unasked) as (registry, _):
        assert [error["field"] for error in await refused("a playbook", registry)] == ["playbook"]
        draft = await draft_of(PlaybookCreation, admitted({**WRONG, "steps": []}), registry)
    assert draft.smart_code == "HERA.X"
