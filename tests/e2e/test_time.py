"""Steps are reminded of, overdue and escalated by timers of a second; also by those that came due while nobody ran."""

from typing import Any

from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.integration.running import eventually
from tests.running_stack import RunningStack

TIMED = ["reminder_due", "run_overdue", "step_overdue", "step_escalated"]


def urgent(minutes: float, before: float) -> dict[str, Any]:
    """A step that is due soon, in a playbook that escalates by itself to the roles of the next one."""
    playbook = tasks_in_a_row(2)
    playbook["metadata"] = {"auto_escalation": True, "sla_hours": minutes / 60}
    playbook["steps"][0] |= {
        "assignee_roles": ["clerk"], "timeout_minutes": minutes, "metadata": {"reminders": [{"before_minutes": before}]}
    }  # fmt: skip
    playbook["steps"][1] |= {"assignee_roles": ["boss"]}
    return playbook


async def timed_entries(rest: Rest, run_id: str) -> list[dict[str, Any]]:
    path = f"/playbook-runs/{run_id}/timeline?include_system_events=true"
    timeline = (await rest.data("GET", path))["timeline"]
    return [entry for entry in timeline if entry["event_type"] in TIMED]


async def fired(rest: Rest, run_id: str) -> list[dict[str, Any]]:
    async def all_of_them() -> Any:
        found = await timed_entries(rest, run_id)
        return found if len(found) >= len(TIMED) else None

    found: list[dict[str, Any]] = await eventually(all_of_them)
    return found


async def test_a_step_is_reminded_of_then_overdue_then_escalated(rest: Rest) -> None:
    ours = rest.elsewhere()
    run_id = await ours.started(await ours.created(urgent(0.03, before=0.015)))
    boss = ours.somebody("bea", "boss")
    assert (await boss.data("GET", "/tasks"))["tasks"] == []
    entries = await fired(ours, run_id)
    assert [entry["event_type"] for entry in entries] == TIMED
    reminder, _, overdue, escalated = entries
    assert reminder["is_system_event"] and overdue["is_system_event"] and "is_system_event" not in escalated
    assert reminder["details"]["due_at"] == overdue["details"]["due_at"] > reminder["timestamp"]
    assert overdue["timestamp"] >= overdue["details"]["due_at"]
    assert escalated["details"]["roles_added"] == ["boss"] and escalated["actor"] == "system"
    (task,) = (await boss.data("GET", "/tasks?overdue=true"))["tasks"]
    assert (task["run_id"], task["sla_breached"]) == (run_id, True)
    (run,) = (await ours.data("GET", "/playbook-runs?overdue=true"))["runs"]
    assert run["run_id"] == run_id
    assert (await ours.data("GET", f"/playbook-runs/{run_id}"))["sla_breached"]
    assert (await boss.complete(run_id, 1)).status_code == 200
    assert len(await timed_entries(ours, run_id)) == len(TIMED)


async def test_timers_that_came_due_while_the_engine_was_down_fire_once_and_in_order(
    rest: Rest, stack: RunningStack
) -> None:
    ours = rest.elsewhere()
    playbook_id = await ours.created(urgent(0.02, before=0.01))
    run_ids = [await ours.started(playbook_id) for _ in range(5)]
    killed = stack.kill("run_engine")
    await stack.until_ready("run_engine", after_pid=killed)
    for run_id in run_ids:
        assert [entry["event_type"] for entry in await fired(ours, run_id)] == TIMED


async def test_a_reminder_that_cannot_be_meant_is_refused(rest: Rest) -> None:
    playbook = urgent(1, before=1)
    playbook["steps"][0]["metadata"]["reminders"] = [{"before_days": 1}]
    refused = await rest.elsewhere().error("POST", "/playbooks", {"playbook": playbook})
    assert (refused["status"], refused["details"]["field"]) == (400, "steps[0].metadata.reminders[0]")
    assert "before_hours" in refused["details"]["reason"]
