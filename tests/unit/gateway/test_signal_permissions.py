"""The gateway asks for the permission of the signal that is sent; one that is allowed goes on, here to no Kafka."""

from typing import Any

import pytest

from contracts.permissions import SIGNAL_PERMISSIONS
from deploy.local.tokens import ORGANIZATION
from tests.unit.gateway.client import authorization, gateway

RUNS = "/api/v1/playbook-runs"
NEEDED: dict[str, dict[str, Any]] = {
    "skip": {"reason": "not needed"}, "reassign": {"assignee": "bob"}, "event": {"name": "paid"},
}  # fmt: skip
ONE: dict[str, Any] = {"path": f"{RUNS}/run_1/signal"}
MANY: dict[str, Any] = {"path": f"{RUNS}/bulk-signal", "filter": {"run_ids": ["run_1"]}}


async def answer(where: dict[str, Any], signal: str, *permissions: str) -> tuple[int, str, dict[str, Any]]:
    body = {"organization_id": ORGANIZATION, "signal": {"type": signal, **NEEDED.get(signal, {})}}
    body |= {name: value for name, value in where.items() if name != "path"}
    async with gateway() as client:
        headers = authorization(permissions=list(permissions))
        found = await client.post(where["path"], json=body, headers=headers)
    error = found.json()["error"]
    return found.status_code, error["code"], error["details"]


@pytest.mark.parametrize("where", [ONE, MANY], ids=["one", "many"])
@pytest.mark.parametrize("signal", SIGNAL_PERMISSIONS)
async def test_each_signal_has_a_permission_of_its_own(where: dict[str, Any], signal: str) -> None:
    own = SIGNAL_PERMISSIONS[signal]  # type: ignore[index]
    others = {*SIGNAL_PERMISSIONS.values(), "run:data"} - {own}
    status, code, details = await answer(where, signal, *sorted(others))
    assert (status, code, details["required"]) == (403, "FORBIDDEN", own)
    for permission in (own, "run:update", "run:*"):
        assert (await answer(where, signal, permission))[:2] == (503, "UNAVAILABLE")


async def test_who_may_send_no_signal_is_told_of_the_bundle() -> None:
    assert (await answer(ONE, "pause", "run:read", "run:data"))[2]["required"] == "run:update"


async def test_step_skip_is_enough_to_skip() -> None:
    assert (await answer(ONE, "skip", "step:skip"))[:2] == (503, "UNAVAILABLE")


@pytest.mark.parametrize(("permission", "status"), [("run:data", 503), ("run:update", 503), ("run:event", 403)])
async def test_a_change_of_data_has_a_permission_of_its_own(permission: str, status: int) -> None:
    body = {"organization_id": ORGANIZATION, "run": {"data": {"amount": 1}}}
    async with gateway() as client:
        found = await client.patch(f"{RUNS}/run_1", json=body, headers=authorization(permissions=[permission]))
    assert found.status_code == status, found.text
