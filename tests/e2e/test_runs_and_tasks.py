"""Runs and tasks over REST, as the people see them who work on them."""

import asyncio
from datetime import UTC, datetime, timedelta

from contracts.values import rfc3339
from tests.e2e.office import Office

CLERKS = {"name": "Check", "sequence": 1, "assignee_roles": ["clerk"], "timeout_minutes": 60}
PAYMENT = {
    "name": "Ship", "sequence": 2, "conditions": {"pre": [{"field": "paid", "operator": "=", "value": True}]},
}  # fmt: skip


async def test_a_task_is_claimed_worked_on_and_given_back(office: Office) -> None:
    run_id = await office.run(await office.playbook(CLERKS, PAYMENT))
    carl, cora, eve = office.user("carl", "clerk"), office.user("cora", "clerk"), office.user("eve", "auditor")
    (task,) = (await carl.data("GET", "/tasks?assignment=unassigned"))["tasks"]
    assert (task["run_id"], task["step_id"]) == (run_id, "step_001")
    assert (await eve.data("GET", "/tasks"))["tasks"] == []
    step = f"/playbook-runs/{run_id}/steps/step_001"
    claimed = await carl.data("POST", f"{step}/claim", {})
    assert (claimed["assigned_to"], claimed["can_complete"]) == ("carl", True)
    assert (await cora.error("POST", f"{step}/claim", {}))["code"] == "CONFLICT"
    assert (await eve.error("POST", f"{step}/claim", {}))["code"] == "FORBIDDEN"
    assert (await carl.data("GET", "/tasks?assignment=mine"))["total"] == 1
    assert (await cora.data("GET", "/tasks?assignment=mine"))["total"] == 0
    assert (await carl.data("GET", "/tasks/counts"))["assigned_to_me"] == 1
    assert (await carl.data("POST", f"{step}/release", {}))["assigned_to"] is None
    assert (await cora.data("GET", "/tasks/counts"))["unassigned"] == 1
    await cora.data("POST", f"{step}/complete", {"completion": {"outcome": "success"}})
    assert (await carl.data("GET", "/tasks"))["tasks"] == []
    events = [e["event_type"] for e in (await carl.data("GET", f"/playbook-runs/{run_id}/timeline"))["timeline"]]
    assert events[2:5] == ["step_assigned", "step_released", "step_completed"]


async def test_a_run_says_what_it_waits_for_and_goes_on_when_it_gets_it(office: Office) -> None:
    run_id = await office.run(await office.playbook(CLERKS, PAYMENT))
    clerk, run = office.user("carl", "clerk"), f"/playbook-runs/{run_id}"
    why = await clerk.data("GET", f"{run}/why")
    assert why["summary"] == "A holder of clerk completes step_001 (Check)"
    await clerk.data("POST", f"{run}/steps/step_001/complete", {"completion": {"data": {"checked": True}}})
    (wait, *_) = (await clerk.data("GET", f"{run}/why"))["waits_for"]
    assert (wait["kind"], wait["conditions"][0]["met"]) == ("condition", False)
    read = await clerk.ask("GET", run)
    etag = read.headers["ETag"]
    assert (await clerk.ask("GET", run, If_None_Match=etag)).status_code == 304
    update = {"run": {"data": {"paid": True}, "priority": "high", "metadata": {"payment": "p1"}}}
    updated = await clerk.data("PATCH", run, update, If_Match=etag)
    assert updated["fields_updated"] == ["paid", "metadata.payment", "priority"]
    assert updated["timeline_entry"]["details"]["update_type"] == "manual"
    refused = await clerk.error("PATCH", run, update, If_Match=etag)
    assert (refused["status"], refused["code"], refused["details"]["current"]) == (
        409,
        "CONFLICT",
        f'"{updated["version"]}"',
    )
    now = await clerk.data("GET", run)
    assert (now["status"], now["priority"], now["version"]) == ("active", "high", updated["version"])
    assert "complete" in now["allowed_actions"]
    first = await clerk.data("GET", f"{run}/steps/step_001")
    assert (first["data"], first["attempts"][0]["completed_by"]) == ({"checked": True}, "carl")
    assert (await clerk.error("GET", f"{run}/steps/step_009"))["status"] == 404


async def test_lists_of_runs_by_what_is_asked(office: Office) -> None:
    playbook_id, user = await office.playbook(CLERKS, PAYMENT), office.user("carl", "clerk")
    runs = [
        await office.run(
            playbook_id, context={"entity_id": f"c{n % 2}", "entity_type": "customer", "priority": priority}
        )
        for n, priority in enumerate(["high", "low", "high", "normal"])
    ]
    await user.data("POST", f"/playbook-runs/{runs[2]}/steps/step_001/claim", {})

    async def listed(query: str) -> list[int]:
        found = await user.data("GET", f"/playbook-runs?{query}")
        assert (found["total"], found["total_is_exact"]) == (len(found["runs"]), True)
        return [runs.index(run["run_id"]) for run in found["runs"]]

    assert await listed("") == [3, 2, 1, 0]
    assert await listed("sort=created_at") == [0, 1, 2, 3]
    assert (await listed("sort=-updated_at"))[0] == 2
    assert await listed("priority=high") == [2, 0]
    assert await listed("entity_id=c1&priority=low") == [1]
    assert await listed("entity_type=customer&status=active&sort=created_at") == [0, 1, 2, 3]
    assert await listed("assignee=carl") == [2]
    assert await listed("overdue=true") == []
    moment = (await user.data("GET", f"/playbook-runs/{runs[1]}"))["created_at"]
    assert await listed(f"created_from={moment}&created_to={moment}") == [1]
    assert await listed(f"updated_from={moment}") == [2, 3, 1]


async def test_a_list_refuses_what_no_index_serves_and_foreign_cursors(office: Office) -> None:
    playbook_id, user = await office.playbook(CLERKS), office.user("carl", "clerk")
    for _ in range(3):
        await office.run(playbook_id)
    refused = await user.error("GET", "/playbook-runs?overdue=true&sort=created_at")
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_ERROR", "sort")
    assert (await user.error("GET", "/playbook-runs?created_from=yesterday"))["details"]["field"] == "created_from"
    for path in ("/playbook-runs", "/tasks"):
        first = await user.data("GET", f"{path}?limit=2")
        rest = await user.data("GET", f"{path}?limit=2&cursor={first['next']}")
        (name,) = first.keys() & {"runs", "tasks"}
        assert (len(first[name]), len(rest[name]), rest["next"], first["total"]) == (2, 1, None, 3)
        refused = await user.error("GET", f"{path}?limit=2&priority=high&cursor={first['next']}")
        assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_ERROR", "cursor")


async def test_tasks_come_with_the_most_urgent_first(office: Office) -> None:
    playbook_id, clerk = await office.playbook(CLERKS), office.user("carl", "clerk")
    runs = [await office.run(playbook_id, context={"priority": p}) for p in ("low", "critical", "normal")]
    later = await office.playbook({**CLERKS, "timeout_minutes": 5})
    runs.append(await office.run(later, context={"priority": "low"}))

    async def listed(query: str) -> list[int]:
        return [runs.index(task["run_id"]) for task in (await clerk.data("GET", f"/tasks?{query}"))["tasks"]]

    assert await listed("") == [3, 0, 1, 2]
    assert await listed("sort=priority") == [1, 2, 3, 0]
    assert await listed(f"playbook_id={later}") == [3]
    assert await listed("priority=low") == [3, 0]
    assert await listed(f"due_to={rfc3339(datetime.now(UTC) + timedelta(minutes=30))}") == [3]
    assert await listed("overdue=true") == []
    await clerk.data("PATCH", f"/playbook-runs/{runs[0]}", {"run": {"priority": "urgent"}})
    assert await listed("sort=priority") == [0, 1, 2, 3]
    counts = await clerk.data("GET", "/tasks/counts")
    assert counts == {
        "total": 4, "assigned_to_me": 0, "unassigned": 4, "overdue": 0,
        "by_priority": {"urgent": 1, "critical": 1, "normal": 1, "low": 1},
    }  # fmt: skip
    signal = {"signal": {"type": "pause", "reason": "wait"}}
    await clerk.data("POST", f"/playbook-runs/{runs[1]}/signal", signal)
    assert await listed("sort=priority") == [0, 2, 3]


async def test_who_has_an_answer_finds_the_task_that_follows_and_not_the_one_before(office: Office) -> None:
    steps = [{"name": f"S{n}", "sequence": n, "assignee_roles": ["clerk"]} for n in range(1, 6)]
    playbook_id, clerk = await office.playbook(*steps), office.user("carl", "clerk")

    async def walk(run_id: str) -> None:
        for number in range(1, 6):
            tasks = (await clerk.data("GET", "/tasks?limit=100"))["tasks"]
            assert [t["step_id"] for t in tasks if t["run_id"] == run_id] == [f"step_{number:03}"]
            path = f"/playbook-runs/{run_id}/steps/step_{number:03}/complete"
            await clerk.data("POST", path, {"completion": {"outcome": "success"}})
        assert run_id not in [t["run_id"] for t in (await clerk.data("GET", "/tasks?limit=100"))["tasks"]]

    await asyncio.gather(*[walk(await office.run(playbook_id)) for _ in range(8)])
    assert (await clerk.data("GET", "/tasks"))["total"] == 0
