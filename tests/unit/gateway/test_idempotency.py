"""One wish is one command, however often it is sent."""

import pytest
from fastapi import Request

from contracts.values import Caller
from services.gateway.admission import Admitted
from services.gateway.wishes import Wish, wish_of
from shared.auth import Identity


def wish(
    key: str | None = "key_1",
    path: str = "/api/v1/playbook-runs",
    body: bytes = b"{}",
    organization: str = "org_1",
    caller: str = "user_1",
) -> Wish:
    headers = [(b"idempotency-key", key.encode())] if key is not None else []
    request = Request({"type": "http", "method": "POST", "path": path, "headers": headers})
    return wish_of(request, Admitted(Identity(Caller(id=caller), organization, 0), body, {}))


def test_the_same_key_on_the_same_path_is_the_same_command_and_creates_the_same_run() -> None:
    assert wish() == wish()
    assert wish().id_of("run") == wish().id_of("run")
    assert wish().id_of("run").startswith("run_")


def test_another_body_under_the_same_key_keeps_the_command_and_changes_the_fingerprint() -> None:
    first, second = wish(body=b'{"a":1}'), wish(body=b'{"a":2}')
    assert first.command_id == second.command_id
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        wish(key="key_2"),
        wish(path="/api/v1/playbooks"),
        wish(organization="org_2"),
        wish(caller="user_2"),
        wish(key=None),
    ],
)
def test_another_key_path_organization_or_caller_is_another_command(other: Wish) -> None:
    assert other.command_id != wish().command_id


def test_without_a_key_each_request_is_a_wish_of_its_own() -> None:
    assert wish(key=None).command_id != wish(key=None).command_id
    assert wish(key=None).fingerprint is None
