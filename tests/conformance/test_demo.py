"""The demo: plays the reference's playbooks as they stand there, and sees what is wrong."""

import json
from typing import Any

import httpx
import pytest

from deploy.demo import checks
from deploy.demo.__main__ import play
from deploy.demo.errors import DemoError
from deploy.demo.house import AUTHOR, PLAYBOOKS, House
from deploy.demo.scripts import SCRIPTS
from deploy.demo.target import Target, given
from tests.conformance import reference
from tests.conformance.story import CREATE, SCENARIOS
from tests.running_stack import RunningStack


def test_ships_the_five_playbooks_of_the_reference_unchanged() -> None:
    shipped = [json.loads((PLAYBOOKS / f"{script.playbook}.json").read_text()) for script in SCRIPTS]
    bodies = [reference.example(name).request.body for name in (CREATE, *SCENARIOS)]
    assert shipped == [{key: body[key] for key in ("organization_id", "playbook")} for body in bodies]


async def test_plays_to_the_end_and_finds_its_playbooks_again(stack: RunningStack, http: httpx.AsyncClient) -> None:
    secret = stack.folder.jwt_secret()
    await play(Target(stack.gateway_url, stack.bootstrap_servers, secret))
    for script in SCRIPTS:
        house = House(script.playbook, http, secret, lambda _: None)
        await house.register()
        assert house.registered_before
        assert (await house.of(AUTHOR).playbook(house.playbook_id))["name"] == house.playbook_name


def test_drives_what_it_is_told_to() -> None:
    named = ["--gateway", "http://127.0.0.1:8000", "--kafka", "127.0.0.1:9094"]
    assert given([], {}) is None
    assert given(named, {"JWT_SECRET": "s" * 32}) == Target("http://127.0.0.1:8000", "127.0.0.1:9094", "s" * 32)


@pytest.mark.parametrize(
    ("arguments", "secret", "says"),
    [
        (["--gateway", "http://127.0.0.1:8000"], "s" * 32, "--kafka"),
        (["--kafka", "127.0.0.1:9094"], "s" * 32, "--gateway"),
        (["--gateway", "localhost:8000", "--kafka", "127.0.0.1:9094"], "s" * 32, "http://"),
        (["--gateway", "http://127.0.0.1:8000", "--kafka", "127.0.0.1:9094"], "", "JWT_SECRET"),
        (["--gateway", "http://127.0.0.1:8000", "--kafka", "127.0.0.1:9094"], "short", "5 bytes"),
        (["--port", "1"], "", "unrecognized arguments".capitalize()),
    ],
)
def test_says_what_is_missing_of_an_installation(arguments: list[str], secret: str, says: str) -> None:
    with pytest.raises(DemoError, match=says):
        given(arguments, {"JWT_SECRET": secret})


def _metrics(**changed: Any) -> Any:
    counts = {"total_runs": 2, "completed_runs": 1, "active_runs": 1, "cancelled_runs": 0, "failed_runs": 0}
    stats = {**counts, "completion_rate": 50.0} | changed
    outcomes = {"successful_completion": 1, "in_progress": 1}
    metrics = {"execution_stats": stats, "outcome_distribution": outcomes}
    return {"playbook_name": "Test", "metrics": metrics}


@pytest.mark.parametrize("wrong", [{"total_runs": 3}, {"completion_rate": 49.0}, {"active_runs": 0}])
def test_sees_metrics_that_do_not_add_up(wrong: dict[str, Any]) -> None:
    checks.metrics_add_up({"test": _metrics()})
    with pytest.raises(DemoError, match="Test"):
        checks.metrics_add_up({"test": _metrics(**wrong)})


def test_sees_a_run_that_the_metrics_do_not_count() -> None:
    before = _metrics()
    with pytest.raises(DemoError, match="0 were driven"):
        checks.metrics_grew({"test": before}, {"test": _metrics(total_runs=3)}, [])
