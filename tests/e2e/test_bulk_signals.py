"""One signal to many runs, watched to its end."""

import asyncio
from typing import Any

from tests.e2e.office import Office, User

TASK = {"name": "Check", "sequence": 1, "assignee_roles": ["clerk"]}
BULK = "/playbook-runs/bulk-signal"


async def finished(user: User, accepted: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The operation when it is over, and what became of each run."""
    path = f"/operations/{accepted['operation_id']}"
    async with asyncio.timeout(30):
        operation = await user.data("GET", path)
        while operation["status"] == "running":
            await asyncio.sleep(0.05)
            operation = await user.data("GET", path)
    results, cursor = [], ""
    while True:
        page = await user.data("GET", f"{path}/results?limit=7{cursor}")
        results += page["results"]
        if page["next"] is None:
            return operation, results
        cursor = f"&cursor={page['next']}"


async def statuses(user: User, runs: list[str]) -> list[str]:
    return [(await user.data("GET", f"/playbook-runs/{run_id}"))["status"] for run_id in runs]


async def test_every_open_run_of_a_playbook_is_paused(office: Office) -> None:
    playbook_id, user = await office.playbook(TASK), office.user("ops", "clerk")
    other = await office.run(await office.playbook(TASK))
    runs = await asyncio.gather(*(office.run(playbook_id) for _ in range(20)))
    await user.data("POST", f"/playbook-runs/{runs[0]}/signal", {"signal": {"type": "cancel", "reason": "x"}})
    asked = {"filter": {"playbook_id": playbook_id}, "signal": {"type": "pause", "reason": "audit"}}
    assert await user.data("POST", f"{BULK}?dry_run=true", asked) == {"matched": 19, "matched_is_exact": True}
    answer = await user.ask("POST", BULK, asked, Idempotency_Key="pause them")
    assert (answer.status_code, answer.headers["Location"]) == (
        202, f"/api/v1/operations/{answer.json()['data']['operation_id']}",
    )  # fmt: skip
    again = await user.ask("POST", BULK, asked, Idempotency_Key="pause them")
    assert again.json()["data"]["operation_id"] == answer.json()["data"]["operation_id"]
    operation, results = await finished(user, answer.json()["data"])
    assert (operation["type"], operation["all_found"]) == ("bulk_signal", True)
    assert operation["counts"] == {"matched": 19, "pending": 0, "succeeded": 19, "failed": 0}
    assert sorted(result["run_id"] for result in results) == sorted(runs[1:])
    assert set(await statuses(user, runs[1:])) == {"paused"}
    assert await statuses(user, [runs[0], other]) == ["cancelled", "active"]
    timeline = (await user.data("GET", f"/playbook-runs/{runs[1]}/timeline"))["timeline"]
    assert (timeline[-1]["event_type"], timeline[-1]["actor"]) == ("run_paused", "ops")


async def test_runs_that_are_named_answer_each_for_itself(office: Office) -> None:
    playbook_id, user = await office.playbook(TASK), office.user("ops", "clerk")
    runs = [await office.run(playbook_id) for _ in range(2)]
    await user.data("POST", f"/playbook-runs/{runs[0]}/signal", {"signal": {"type": "cancel", "reason": "x"}})
    asked = {"filter": {"run_ids": [*runs, "run_unknown"]}, "signal": {"type": "pause", "reason": "audit"}}
    operation, results = await finished(user, await user.data("POST", BULK, asked))
    assert operation["counts"] == {"matched": 3, "pending": 0, "succeeded": 1, "failed": 2}
    by_run = {result["run_id"]: result for result in results}
    assert by_run[runs[1]]["status"] == "succeeded"
    assert by_run[runs[0]]["error"]["code"] == "INVALID_STATE"
    assert by_run["run_unknown"]["error"]["code"] == "NOT_FOUND"
    failed = await user.data("GET", f"/operations/{operation['operation_id']}/results?status=failed")
    assert failed["total"] == 2


async def test_what_can_t_be_meant_is_refused_before_anything_happens(office: Office) -> None:
    user, pause = office.user("ops"), {"type": "pause"}
    nothing = await user.error("POST", BULK, {"filter": {}, "signal": pause})
    assert (nothing["status"], nothing["code"]) == (400, "VALIDATION_ERROR")
    assert "at least one filter" in nothing["details"]["reason"]
    both = await user.error("POST", BULK, {"filter": {"run_ids": ["run_1"], "status": "active"}, "signal": pause})
    assert both["details"]["field"] == "filter"
    skip = await user.error("POST", BULK, {"filter": {"status": "active"}, "signal": {"type": "skip"}})
    assert skip["details"]["field"] == "signal.reason"


async def test_another_organisation_s_operation_and_runs_are_unknown(office: Office, stack: Any) -> None:
    theirs = Office(stack, office.user("x").http)
    run_id, user, stranger = await office.run(await office.playbook(TASK)), office.user("ops"), theirs.user("eve")
    asked = {"filter": {"run_ids": [run_id]}, "signal": {"type": "cancel", "reason": "evil"}}
    _, (result,) = await finished(stranger, await stranger.data("POST", BULK, asked))
    assert (result["status"], result["error"]["code"]) == ("failed", "NOT_FOUND")
    assert await statuses(user, [run_id]) == ["active"]
    mine = await user.data("POST", BULK, {**asked, "signal": {"type": "pause"}})
    for path in (f"/operations/{mine['operation_id']}", f"/operations/{mine['operation_id']}/results"):
        assert (await stranger.error("GET", path))["status"] == 404
