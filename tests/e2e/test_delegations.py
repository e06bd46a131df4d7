"""A substitute for a time, over REST: what is answered counts for the very next command, through any gateway."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.integration.running import eventually


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def to(substitute: str, **more: Any) -> dict[str, Any]:
    return {"delegation": {"substitute": substitute, "ends_at": in_an_hour(), **more}}


def for_clerks(steps: int) -> dict[str, Any]:
    playbook = tasks_in_a_row(steps)
    for step in playbook["steps"]:
        step["assignee_roles"] = ["clerk"]
    return playbook


async def tasks_of(person: Rest) -> list[tuple[str, str | None]]:
    """Run and for whom, of each of the person's tasks."""
    return [(task["run_id"], task["on_behalf_of"]) for task in (await person.data("GET", "/tasks"))["tasks"]]


async def test_a_substitute_may_from_the_answer_on_and_no_more_after_the_revocation(rest: Rest) -> None:
    ours = rest.elsewhere()
    playbook_id = await ours.created(for_clerks(2))
    carl, susi = ours.somebody("carl", "clerk"), ours.somebody("susi")
    for _ in range(4):
        run_id = await ours.started(playbook_id)
        assert (await susi.complete(run_id, 1)).status_code == 403
        made = await carl.ask("POST", "/delegations", to("susi", reason="leave"))
        assert made.status_code == 201, made.text
        delegation = made.json()["data"]
        assert (delegation["delegator"], delegation["status"]) == ("carl", "in_force")
        assert made.headers["Location"].endswith(delegation["delegation_id"])
        assert (run_id, "carl") in await tasks_of(susi)
        done = (await susi.complete(run_id, 1)).json()["data"]
        assert (done["completed_by"], done["on_behalf_of"]) == ("susi", "carl")
        entries = (await ours.data("GET", f"/playbook-runs/{run_id}/timeline"))["timeline"]
        [entry] = [entry for entry in entries if entry["event_type"] == "step_completed"]
        assert (entry["actor"], entry["details"]["on_behalf_of"]) == ("susi", "carl")
        revoked = await carl.data("DELETE", f"/delegations/{delegation['delegation_id']}")
        assert (revoked["status"], revoked["revoked_by"]) == ("revoked", "carl")
        assert (await susi.complete(run_id, 2)).status_code == 403
        assert await tasks_of(susi) == []


async def test_tasks_and_claims_name_both(rest: Rest) -> None:
    ours = rest.elsewhere()
    carl, susi = ours.somebody("carl", "clerk"), ours.somebody("susi")
    run_id = await ours.started(await ours.created(for_clerks(1)))
    await carl.data("POST", f"/playbook-runs/{run_id}/steps/step_001/claim", {})
    await carl.data("POST", "/delegations", to("susi"))
    [task] = (await susi.data("GET", "/tasks"))["tasks"]
    assert (task["assigned_to"], task["substitutes"], task["on_behalf_of"]) == ("carl", ["susi"], "carl")
    assert task["can_complete"] is True
    assert (await susi.data("GET", "/tasks/counts"))["total"] == 1
    [wait] = (await ours.data("GET", f"/playbook-runs/{run_id}/why"))["waits_for"]
    assert (wait["assigned_to"], wait["substitutes"]) == ("carl", ["susi"])
    released = await susi.data("POST", f"/playbook-runs/{run_id}/steps/step_001/release", {})
    assert released["assigned_to"] is None


async def test_delegations_are_listed_by_whom_and_to_whom(rest: Rest) -> None:
    ours = rest.elsewhere()
    carl, cora = ours.somebody("carl", "clerk"), ours.somebody("cora", "clerk")
    first = await carl.data("POST", "/delegations", to("susi"))
    second = await cora.data("POST", "/delegations", to("susi", roles=["clerk"]))
    third = await cora.data("POST", "/delegations", to("carl"))

    async def listed(query: str) -> set[str]:
        found = (await ours.data("GET", f"/delegations{query}"))["delegations"]
        return {delegation["delegation_id"] for delegation in found}

    first_id, second_id, third_id = (made["delegation_id"] for made in (first, second, third))
    assert await listed("") == {first_id, second_id, third_id}
    assert await listed("?delegator=cora") == {second_id, third_id}
    assert await listed("?substitute=susi") == {first_id, second_id}
    assert await listed("?ends_from=2999-01-01T00:00:00Z") == set()
    page = await ours.data("GET", "/delegations?limit=2")
    rest_of_it = await ours.data("GET", f"/delegations?limit=2&cursor={page['next']}")
    assert (page["total"], len(page["delegations"]), len(rest_of_it["delegations"])) == (3, 2, 1)
    assert (await ours.data("GET", f"/delegations/{second_id}"))["roles"] == ["clerk"]
    assert (await rest.elsewhere().error("GET", f"/delegations/{second_id}"))["status"] == 404


async def test_wrong_ones_are_refused_to_the_field(rest: Rest) -> None:
    ours = rest.elsewhere()
    carl = ours.somebody("carl", "clerk")
    for body, field in (
        (to("carl"), "delegation.substitute"),
        (to("susi", roles=["boss"]), "delegation.roles[0]"),
        (to("susi", ends_at="2020-01-01T00:00:00Z"), "delegation.ends_at"),
        (to("susi", ends_at="tomorrow"), "delegation.ends_at"),
        (to("susi", until=in_an_hour()), "delegation.until"),
        ({"delegation": {"substitute": "susi"}}, "delegation.ends_at"),
    ):
        error = await carl.error("POST", "/delegations", body)
        assert (error["status"], error["code"], error["details"]["field"]) == (400, "VALIDATION_ERROR", field)
    assert (await carl.error("POST", "/delegations", to("susi", delegator="cora")))["code"] == "FORBIDDEN"
    assert (await carl.error("DELETE", "/delegations/dlg_unknown"))["code"] == "NOT_FOUND"
    made = await carl.data("POST", "/delegations", to("susi"))
    path = f"/delegations/{made['delegation_id']}"
    assert (await ours.somebody("susi").error("DELETE", path))["code"] == "FORBIDDEN"
    assert (await carl.data("DELETE", path))["status"] == "revoked"
    assert (await carl.error("DELETE", path))["code"] == "INVALID_STATE"


async def test_one_wish_is_one_delegation(rest: Rest) -> None:
    carl, body = rest.elsewhere().somebody("carl", "clerk"), to("susi")
    answers = [await carl.ask("POST", "/delegations", body, Idempotency_Key="once") for _ in range(3)]
    assert len({answer.json()["data"]["delegation_id"] for answer in answers}) == 1
    assert (await carl.data("GET", "/delegations"))["total"] == 1


async def test_the_outcome_of_what_was_not_waited_for_is_told_when_it_counts(rest: Rest) -> None:
    ours = rest.elsewhere()
    carl, susi = ours.somebody("carl", "clerk"), ours.somebody("susi")
    run_id = await ours.started(await ours.created(for_clerks(2)))

    async def outcome(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        later = await carl.ask(method, path, body, Prefer="respond-async")
        where = later.headers["Location"].removeprefix("/api/v1")

        async def told() -> Any:
            found = await carl.data("GET", where)
            return found if found["status"] != "running" else None

        return await eventually(told)

    made = await outcome("POST", "/delegations", to("susi"))
    assert (made["status"], made["result"]["status"]) == ("succeeded", "in_force")
    assert made["resource"] == f"/api/v1/delegations/{made['delegation_id']}"
    assert (await susi.complete(run_id, 1)).status_code == 200
    revoked = await outcome("DELETE", f"/delegations/{made['delegation_id']}")
    assert revoked["result"]["status"] == "revoked"
    assert (await susi.complete(run_id, 2)).status_code == 403


async def test_a_step_that_both_may_not_do_is_refused_under_a_policy_that_was_put_just_now(rest: Rest) -> None:
    ours = rest.elsewhere()
    playbook_id = await ours.created(for_clerks(2))
    carl, susi = ours.somebody("carl", "clerk"), ours.somebody("susi")
    await carl.data("POST", "/delegations", to("susi"))
    run_id = await ours.started(playbook_id)
    assert (await carl.complete(run_id, 1)).status_code == 200
    rules = [{"type": "separate_steps", "name": "apart", "steps": [{}]}]
    await ours.data("PUT", "/policies/segregation_of_duties", {"document": {"rules": rules}})
    for person in (carl, susi):
        refused = await person.complete(run_id, 2)
        assert refused.status_code == 403
        details = refused.json()["error"]["details"]
        assert (details["policy"], details["rule"], details["user"]) == ("segregation_of_duties", "apart", "carl")
    await ours.data("PUT", "/policies/segregation_of_duties", {"document": {}})
    assert (await susi.complete(run_id, 2)).status_code == 200
