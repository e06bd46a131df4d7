"""As large as a playbook and a run may be, through the whole system; and one more is refused with the limit's name."""

import asyncio
from typing import Any

from contracts import limits
from tests.e2e.office import Office, User

MEGABYTE = "x" * 1_000_000


def refusal(error: dict[str, Any]) -> tuple[int, str, str]:
    return error["status"], error["code"], error["details"].get("limit", "")


async def completes(user: User, run_id: str, number: int, **completion: Any) -> Any:
    path = f"/playbook-runs/{run_id}/steps/step_{number:03}/complete"
    return await user.data("POST", path, {"completion": completion})


async def test_a_playbook_of_a_thousand_steps_is_taken_and_runs_to_its_end(office: Office) -> None:
    ada = office.user("starter")
    steps = [{"name": f"S{n}", "sequence": n} for n in range(1, limits.STEPS + 1)]
    code = "HERA.TEST.PLAYBOOK.LONG.v1"
    too_many = {"name": "Long", "smart_code": code, "steps": [*steps, {"name": "X", "sequence": 9999}]}
    assert refusal(await ada.error("POST", "/playbooks", {"playbook": too_many})) == (400, "VALIDATION_ERROR", "steps")
    for step in steps[3:-1]:
        step["parallel_allowed"] = True
    run_id = await office.run(await office.playbook(*steps))
    for number in (1, 2):
        await completes(ada, run_id, number)
    answer = await completes(ada, run_id, 3)
    assert (len(answer["next_steps"]), answer["next_steps_total"]) == (50, 996)
    why = await ada.data("GET", f"/playbook-runs/{run_id}/why")
    assert len(why["waits_for"]) == 997
    await asyncio.gather(*[_all(ada, run_id, range(first, limits.STEPS, 8)) for first in range(4, 12)])
    answer = await completes(ada, run_id, limits.STEPS)
    assert answer["run_status"]["overall_status"] == "completed"
    timeline = await ada.data("GET", f"/playbook-runs/{run_id}/timeline")
    assert timeline["summary"]["total_events"] == 2 * limits.STEPS + 2


async def _all(user: User, run_id: str, numbers: range) -> None:
    for number in numbers:
        await completes(user, run_id, number, data={"last": number})


async def test_a_megabyte_of_data_goes_through_and_what_would_be_too_much_is_refused(office: Office) -> None:
    ada = office.user("starter")
    playbook_id = await office.playbook(*[{"name": f"S{n}", "sequence": n} for n in range(1, 6)])
    run_id = await office.run(playbook_id, initial_data={"document": MEGABYTE})
    path = f"/playbook-runs/{run_id}/steps/step_001/complete"
    refused = await ada.error("POST", path, {"completion": {"data": {"a": MEGABYTE[:900_000], "b": "y" * 200_000}}})
    assert refusal(refused)[:2] == (413, "PAYLOAD_TOO_LARGE"), "the body alone is too large"
    answer = await completes(ada, run_id, 1, data={"second": MEGABYTE})
    assert answer["next_steps"][0]["left_out"] and "data" not in answer["next_steps"][0]
    refused = await ada.error(
        "POST", path.replace("step_001", "step_002"), {"completion": {"data": {"third": MEGABYTE}}}
    )
    assert refusal(refused) == (413, "PAYLOAD_TOO_LARGE", "run_data_bytes")
    event = {"signal": {"type": "event", "name": "n", "data": {"third": MEGABYTE}}}
    refused = await ada.error("POST", f"/playbook-runs/{run_id}/signal", event)
    assert refusal(refused) == (413, "PAYLOAD_TOO_LARGE", "run_data_bytes")
    run = await ada.data("GET", f"/playbook-runs/{run_id}")
    assert (run["data"], "incident" in run) == ({"document": MEGABYTE, "second": MEGABYTE}, False)
    for number, value in ((2, "a"), (3, "b")):
        await completes(ada, run_id, number, data={"second": value * 1_000_000})
    refused = await ada.error(
        "POST", path.replace("step_001", "step_004"), {"completion": {"data": {"second": "c" * 500_000}}}
    )
    assert refusal(refused) == (413, "PAYLOAD_TOO_LARGE", "run_kept_bytes")
    await completes(ada, run_id, 4)
    assert (await completes(ada, run_id, 5))["run_status"]["overall_status"] == "completed"
    timeline = await ada.data("GET", f"/playbook-runs/{run_id}/timeline")
    assert timeline["timeline"][-1]["event_type"] == "run_completed"


async def test_a_burst_of_large_data_to_one_run_loses_nothing(office: Office) -> None:
    ada = office.user("starter")
    run_id = await office.run(await office.playbook({"name": "S", "sequence": 1}))

    async def update(number: int) -> int:
        body = {"run": {"data": {"document": f"{number:03}" * 300_000}}}
        status = 503
        for _ in range(100):  # 503: more of it is under way than the run's document should hold
            status = (await ada.ask("PATCH", f"/playbook-runs/{run_id}", body)).status_code
            if status != 503:
                break
        return status

    assert set(await asyncio.gather(*map(update, range(24)))) == {200}
    run = await ada.data("GET", f"/playbook-runs/{run_id}")
    assert (run["version"], "incident" in run) == (2 + 24, False)
    timeline = await ada.data("GET", f"/playbook-runs/{run_id}/timeline")
    assert timeline["summary"]["total_events"] == 2 + 24


async def test_a_run_of_ten_thousand_events_is_read_and_ended_and_takes_no_more(office: Office) -> None:
    ada = office.user("starter")
    run_id = await office.run(await office.playbook({"name": "S", "sequence": 1}))
    left = iter(range(limits.RUN_EVENTS - 2))

    async def system(number: int) -> None:
        for count in left:
            signal = {"type": "event", "name": "measured", "data": {f"s{number}": count}}
            await ada.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": signal})

    await asyncio.gather(*map(system, range(32)))
    refused = await ada.error("PATCH", f"/playbook-runs/{run_id}", {"run": {"data": {"x": 1}}})
    assert refusal(refused) == (409, "INVALID_STATE", "run_events")
    assert refused["details"]["allowed"] == ["cancel"]
    timeline = await ada.data("GET", f"/playbook-runs/{run_id}/timeline")
    assert timeline["summary"]["total_events"] == limits.RUN_EVENTS
    cancelled = await ada.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "cancel", "reason": "r"}})
    assert cancelled["new_status"] == "cancelled"
