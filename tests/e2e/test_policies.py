"""An organisation's policies over REST: what is put decides about the very next command, through any gateway."""

import asyncio
from typing import Any

from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.integration.running import eventually

LIMITS, CONTROLS = "/policies/approval_limit", "/policies/financial_controls"


def automated(limit: float) -> dict[str, Any]:
    """A playbook that approves up to the limit by itself, once a person has done the first step."""
    playbook = tasks_in_a_row(2)
    playbook["steps"][1] |= {"step_type": "automated", "automation_config": {"auto_approve_limit": limit}}
    return playbook


def approval() -> dict[str, Any]:
    playbook = tasks_in_a_row(1)
    playbook["steps"][0] |= {"step_type": "approval", "assignee_roles": ["clerk"]}
    return playbook


async def test_what_was_never_put_is_there_with_its_default(rest: Rest) -> None:
    ours = rest.elsewhere()
    listed = (await ours.data("GET", "/policies"))["policies"]
    assert [policy["policy"] for policy in listed] == [
        "approval_limit", "financial_controls", "notifications", "role_order", "segregation_of_duties",
        "step_roles",
    ]  # fmt: skip
    assert all(policy["is_default"] and policy["revision"] == 0 for policy in listed)
    answer = await ours.ask("GET", CONTROLS)
    assert answer.headers["ETag"] == '"0"'
    assert answer.json()["data"]["document"] == {"policy_id": "pol_fin_controls_v2", "auto_approve_limit": 100_000}
    assert (await ours.ask("GET", CONTROLS, If_None_Match='"0"')).status_code == 304


async def test_a_put_decides_about_the_next_create_the_next_change_and_the_next_start(rest: Rest) -> None:
    ours = rest.elsewhere()
    for turn in range(6):
        bound = 50_000 if turn % 2 else 500_000
        await ours.data("PUT", CONTROLS, {"document": {"auto_approve_limit": bound}})
        created = await ours.ask("POST", "/playbooks", {"playbook": automated(400_000)})
        assert created.status_code == (400 if turn % 2 else 201), created.text
        if created.status_code == 201:
            playbook_id = created.json()["data"]["playbook_id"]
            continue
        refused = created.json()["error"]
        assert (refused["code"], refused["details"]["max_allowed"]) == ("POLICY_VIOLATION", 50_000)
        changed = await ours.error("PUT", f"/playbooks/{playbook_id}", {"playbook": automated(400_000)})
        assert (changed["status"], changed["code"]) == (400, "POLICY_VIOLATION")
        start = await ours.error("POST", "/playbook-runs", {"run": {"playbook_id": playbook_id}})
        assert (start["status"], start["code"]) == (400, "POLICY_VIOLATION")


async def test_an_assignment_does_not_stand_for_a_role_where_a_role_is_required(rest: Rest) -> None:
    ours = rest.elsewhere()
    run_id = await ours.started(await ours.created(approval()))
    mover = ours.somebody("carl", permissions=("step:complete", "run:reassign"))
    signal = {"type": "reassign", "step_id": "step_001", "assignee": "carl"}
    await mover.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": signal})
    refused = await mover.error("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "pause"}})
    assert (refused["status"], refused["details"]["required"]) == (403, "run:pause")
    await ours.data("PUT", "/policies/step_roles", {"document": {"required_at": [{"step_type": "approval"}]}})
    answer = await mover.complete(run_id, 1, outcome="approve")
    assert (answer.status_code, answer.json()["error"]["details"]["policy"]) == (403, "step_roles")
    await ours.data("PUT", "/policies/step_roles", {"document": {}})
    assert (await mover.complete(run_id, 1, outcome="approve")).status_code == 200


async def test_a_put_decides_about_the_next_completion(rest: Rest) -> None:
    ours = rest.elsewhere()
    await ours.data("PUT", LIMITS, {"document": {"limits": []}})
    await ours.data("PUT", "/policies/role_order", {"document": {"roles": ["clerk"]}})
    playbook_id, clerk = await ours.created(approval()), ours.somebody("carla", "clerk")
    for amount in (100, 200, 300, 400, 500):
        run_id, data = await ours.started(playbook_id), {"approval_amount": amount}
        await ours.data("PUT", LIMITS, {"document": {"limits": [{"role": "clerk", "max_amount": amount - 1}]}})
        refused = await clerk.complete(run_id, 1, outcome="approve", data=data)
        assert refused.status_code == 400
        found = refused.json()["error"]["details"]["contract_violation"]
        assert (found["rule"], found["condition"]) == ("approval_limit", f"approval_amount <= {amount - 1}")
        await ours.data("PUT", LIMITS, {"document": {"limits": [{"role": "clerk", "max_amount": amount}]}})
        taken = await clerk.complete(run_id, 1, outcome="approve", data=data)
        assert taken.status_code == 200, taken.text


async def test_of_two_who_change_one_revision_one_is_told(rest: Rest) -> None:
    ours = rest.elsewhere()
    await ours.data("PUT", CONTROLS, {"document": {"auto_approve_limit": 1}})
    puts = [
        ours.ask("PUT", CONTROLS, {"document": {"auto_approve_limit": n}, "comment": f"to {n}"}, If_Match='"1"')
        for n in (2, 3)
    ]
    answers = sorted(await asyncio.gather(*puts), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["error"]["details"]["current"] == '"2"'
    history = (await ours.data("GET", f"{CONTROLS}/history"))["revisions"]
    assert [(h["revision"], h["updated_by"]) for h in history] == [(2, "tester"), (1, "tester")]
    assert history[0]["document"]["auto_approve_limit"] in (2, 3)
    assert history[0]["comment"] == f"to {history[0]['document']['auto_approve_limit']:g}"
    older = await ours.data("GET", f"{CONTROLS}/history?limit=1")
    assert (older["total"], older["revisions"][0]["revision"]) == (2, 2)
    page = await ours.data("GET", f"{CONTROLS}/history?limit=1&cursor={older['next']}")
    assert [h["revision"] for h in page["revisions"]] == [1]


async def test_one_wish_is_one_revision(rest: Rest) -> None:
    ours = rest.elsewhere()
    body = {"document": {"auto_approve_limit": 7}}
    answers = [await ours.ask("PUT", CONTROLS, body, Idempotency_Key="once") for _ in range(3)]
    assert [answer.json()["data"]["revision"] for answer in answers] == [1, 1, 1]
    later = await ours.ask("PUT", CONTROLS, {"document": {"auto_approve_limit": 8}}, Prefer="respond-async")
    path = later.headers["Location"].removeprefix("/api/v1")

    async def told() -> Any:
        found = await ours.data("GET", path)
        return found if found["status"] != "running" else None

    outcome = await eventually(told)
    assert (outcome["policy"], outcome["result"]["revision"]) == ("financial_controls", 2)
    refused = await ours.error("POST", "/playbooks", {"playbook": automated(9)})
    assert refused["code"] == "POLICY_VIOLATION"


async def test_a_bad_document_is_refused_with_each_field(rest: Rest) -> None:
    ours = rest.elsewhere()
    wrong = {"limits": [{"role": "cfo", "max_amount": "lots"}, {"role": "cfo", "max_amount": -1}], "curency": "EUR"}
    error = await ours.error("PUT", LIMITS, {"document": wrong})
    assert (error["status"], error["code"]) == (400, "VALIDATION_ERROR")
    fields = {found["field"] for found in error["details"]["errors"]}
    assert fields == {"document.limits[0].max_amount", "document.limits[1].max_amount", "document.curency"}
    stranger = {"limits": [{"role": "boss", "max_amount": 1}]}
    error = await ours.error("PUT", LIMITS, {"document": stranger})
    assert error["details"]["field"] == "document.limits[0].role"
    assert "sales_rep" in error["details"]["reason"]
    unknown = await ours.error("PUT", "/policies/approval_limits", {"document": {}})
    assert (unknown["status"], unknown["details"]["value"]) == (404, "approval_limits")
    assert "approval_limit" in unknown["details"]["known"]
    assert (await ours.data("GET", LIMITS))["is_default"]


async def test_a_playbook_admin_may_and_others_may_not(rest: Rest) -> None:
    ours = rest.elsewhere()
    admin = ours.somebody("ada", "playbook_admin", permissions=())
    assert (await admin.data("PUT", CONTROLS, {"document": {}}))["updated_by"] == "ada"
    reader = ours.somebody("rita", permissions=("policy:read",))
    assert (await reader.data("GET", CONTROLS))["revision"] == 1
    assert (await reader.error("PUT", CONTROLS, {"document": {}}))["code"] == "FORBIDDEN"
    assert (await ours.somebody("bob", "sales_manager").error("GET", CONTROLS))["code"] == "FORBIDDEN"
    assert (await rest.elsewhere().data("GET", CONTROLS))["revision"] == 0


async def test_a_policy_is_tried_against_playbooks_and_open_runs_before_it_is_put(rest: Rest) -> None:
    ours = rest.elsewhere()
    await ours.data("PUT", CONTROLS, {"document": {"auto_approve_limit": 500_000}})
    playbook_id, harmless = await ours.created(automated(400_000)), await ours.created(automated(10))
    run_id, _ = await ours.started(playbook_id), await ours.started(harmless)
    report = await ours.data("POST", f"{CONTROLS}/trial", {"document": {"auto_approve_limit": 1000}})
    assert (report["playbooks"]["checked"], report["runs"]["checked"]) == (2, 2)
    [playbook], [run] = report["playbooks"]["violating"], report["runs"]["violating"]
    assert (playbook["playbook_id"], playbook["violations"][0]["step_id"]) == (playbook_id, "step_002")
    assert playbook["violations"][0]["remediation"].startswith("Automated approvals cannot exceed $1,000")
    assert (run["run_id"], run["violations"][0]["step_id"], run["violations"][0]["step_status"]) == (
        run_id, "step_002", "pending",
    )  # fmt: skip
    assert (await ours.data("GET", CONTROLS))["document"]["auto_approve_limit"] == 500_000
    wrong = await ours.error("POST", f"{CONTROLS}/trial", {"document": {"auto_approve_limit": -1}})
    assert (wrong["status"], wrong["details"]["field"]) == (400, "document.auto_approve_limit")
    foreign = await ours.error("POST", f"{CONTROLS}/trial", {"document": {}, "runs_cursor": "nonsense"})
    assert (foreign["status"], foreign["details"]["field"]) == (400, "runs_cursor")
    foreign = await ours.error("POST", f"{CONTROLS}/trial", {"document": {}, "playbooks_cursor": "nonsense"})
    assert (foreign["status"], foreign["details"]["field"]) == (400, "playbooks_cursor")
    assert (await rest.elsewhere().data("POST", f"{CONTROLS}/trial", {"document": {}}))["runs"]["checked"] == 0
