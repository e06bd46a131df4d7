"""A playbook's life over REST, asked of two gateways in turn."""

from typing import Any

import pytest

from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.running_stack import RunningStack


async def created(rest: Rest) -> tuple[str, dict[str, Any]]:
    draft = tasks_in_a_row(1)
    return (await rest.data("POST", "/playbooks", {"playbook": draft}))["playbook_id"], draft


def start(playbook_id: str) -> dict[str, Any]:
    return {"run": {"playbook_id": playbook_id}}


async def test_a_run_takes_the_revision_that_was_there_when_it_started(rest: Rest) -> None:
    playbook_id, draft = await created(rest)
    for revision in range(2, 12):
        draft["steps"].append({"name": f"Added with {revision}", "sequence": revision})
        revised = await rest.data("PUT", f"/playbooks/{playbook_id}", {"playbook": draft})
        assert revised["revision"] == revision
        run = await rest.data("POST", "/playbook-runs", start(playbook_id))
        assert len(run["steps_status"]) == revision
    first = await rest.data("GET", f"/playbooks/{playbook_id}/revisions/1")
    assert len(first["steps"]) == 1


async def test_nobody_overwrites_what_they_have_not_seen(rest: Rest) -> None:
    playbook_id, draft = await created(rest)
    path = f"/playbooks/{playbook_id}"
    etag = (await rest.ask("GET", path)).headers["ETag"]
    seen = await rest.ask("GET", path, If_None_Match=etag)
    assert (seen.status_code, seen.content, seen.headers["ETag"]) == (304, b"", etag)
    await rest.data("PUT", path, {"playbook": draft}, If_Match=etag)
    late = await rest.ask("PUT", path, {"playbook": draft}, If_Match=etag)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await rest.ask("GET", path, If_None_Match=etag)).status_code == 200
    stale = await rest.ask("PUT", f"{path}?dry_run=true", {"playbook": draft}, If_Match=etag)
    assert stale.status_code == 409
    for nonsense in ("", "3", '"3', "*,*"):
        refused = await rest.ask("PUT", path, {"playbook": draft}, If_Match=nonsense)
        assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "If-Match")


async def test_a_dry_run_checks_all_and_writes_nothing(rest: Rest) -> None:
    draft = tasks_in_a_row(2)
    checked = await rest.ask("POST", "/playbooks?dry_run=true", {"playbook": draft}, Idempotency_Key="dry")
    assert (checked.status_code, checked.json()["data"]["metrics"]["total_steps"]) == (200, 2)
    created = await rest.ask("POST", "/playbooks", {"playbook": draft}, Idempotency_Key="dry")
    assert created.status_code == 201, "the dry run has neither made it nor used up the key"
    taken = await rest.ask("POST", "/playbooks?dry_run=true", {"playbook": draft})
    assert (taken.status_code, taken.json()["error"]["details"]["field"]) == (409, "playbook.smart_code")
    path = f"/playbooks/{created.json()['data']['playbook_id']}"
    assert (await rest.ask("PUT", f"{path}?dry_run=true", {"playbook": draft})).status_code == 200
    wrong = {**draft, "smart_code": "HERA.bad", "steps": [{"name": "A", "sequence": 1, "smart_code": "no"}]}
    refused = (await rest.ask("PUT", f"{path}?dry_run=true", {"playbook": wrong})).json()["error"]
    assert [e["field"] for e in refused["details"]["errors"]] == ["playbook.smart_code", "steps[0].smart_code"]
    assert (await rest.data("GET", path))["revision"] == 1


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_all_that_is_wrong_is_told_at_once_whichever_check_finds_it(rest: Rest, query: str) -> None:
    steps = [
        {"name": "A", "sequence": "1", "smart_code": "HERA.CRM.STEP.INVALID"},
        {"name": "B", "sequence": 2, "automation_config": {"auto_approve_limit": 10**7}},
    ]
    wrong = {"name": "Wrong", "smart_code": "HERA.CRM.PLAYBOOK.TEST", "steps": steps}
    refused = (await rest.ask("POST", f"/playbooks{query}", {"playbook": wrong})).json()["error"]
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_ERROR", "steps[0].sequence")
    assert [(e["code"], e.get("field")) for e in refused["details"]["errors"]] == [
        ("VALIDATION_ERROR", "steps[0].sequence"),
        ("SMART_CODE_INVALID", "playbook.smart_code"),
        ("VALIDATION_ERROR", "steps[0].smart_code"),
        ("POLICY_VIOLATION", None),
    ]


async def test_an_archived_one_starts_no_runs_and_one_with_open_runs_stays(rest: Rest, stack: RunningStack) -> None:
    playbook_id, _ = await created(rest)
    run = await rest.data("POST", "/playbook-runs", start(playbook_id))
    assert (await rest.data("POST", f"/playbooks/{playbook_id}/archive", {}))["status"] == "archived"
    for _ in range(2):
        refused = await rest.ask("POST", "/playbook-runs", start(playbook_id))
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
        kept = await rest.ask("DELETE", f"/playbooks/{playbook_id}")
        assert (kept.status_code, kept.json()["error"]["details"]["open_runs"]) == (409, 1)
    complete = {"completion": {"outcome": "success"}}
    await rest.data("POST", f"/playbook-runs/{run['run_id']}/steps/step_001/complete", complete)
    assert (await rest.data("DELETE", f"/playbooks/{playbook_id}"))["status"] == "deleted"
    for _ in range(2):
        assert (await rest.ask("GET", f"/playbooks/{playbook_id}")).status_code == 404
        assert (await rest.ask("POST", "/playbook-runs", start(playbook_id))).status_code == 404
    assert (await rest.data("GET", f"/playbook-runs/{run['run_id']}"))["status"] == "completed"
    counted = await rest.data("GET", f"/playbooks/{playbook_id}/metrics")
    assert counted["metrics"]["execution_stats"]["completed_runs"] == 1
