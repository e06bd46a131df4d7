"""The access log: whoever sees encrypted values leaves a trace first, and refused calls are counted."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pymongo
import pytest

from deploy.local.waiting import until
from tests.e2e.clear_text import found_in
from tests.e2e.office import Office, User
from tests.receiving import endpoint
from tests.running_stack import RunningStack

SECONDS = 30.0
STEP = {
    "name": "Intake", "sequence": 1, "step_type": "form",
    "metadata": {"form_fields": [{"name": name, "type": "text", "encrypted": True} for name in ("ssn", "card")]},
}  # fmt: skip
SSN = f"ssn-{uuid.uuid4().hex}"
Records = list[dict[str, Any]]


class Clinic:
    """A run with two encrypted fields, and the people around it."""

    def __init__(self, stack: RunningStack, office: Office) -> None:
        self.office, self._stack = office, stack
        self.run_id = ""

    async def opened(self) -> "Clinic":
        playbook_id = await self.office.playbook(STEP)
        self.run_id = await self.office.run(playbook_id, initial_data={"ssn": SSN, "deep": [{"card": "1"}]})
        return self

    @property
    def path(self) -> str:
        return f"/playbook-runs/{self.run_id}"

    def user(self, name: str, *permissions: str) -> User:
        known = self.office.user(name)
        token = self._stack.token(self.office.organization_id, subject=name, permissions=permissions)
        return User(known.http, known.organization_id, {"Authorization": f"Bearer {token}"})

    @property
    def doctor(self) -> User:
        return self.user("doctor", "run:read", "run:read_sensitive")

    async def records(self, **filters: str) -> Records:
        return await self._read(f"{self.path}/access-log", filters)

    async def all_records(self, **filters: str) -> Records:
        return await self._read("/organization/access-log", filters)

    async def _read(self, path: str, filters: dict[str, str]) -> Records:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        found: Records = (await self.user("auditor", "audit:read").data("GET", f"{path}?{query}"))["access_log"]
        return found

    async def until_refused(self, wanted: Callable[[Records], bool]) -> Records:
        """Returns the run's refused calls, as soon as all that are wanted are there."""
        found: Records = []

        async def there() -> bool:
            found[:] = await self.records(outcome="refused")
            return wanted(found)

        await asyncio.wait_for(until(there), SECONDS)
        return found


@pytest.fixture
async def clinic(stack: RunningStack, office: Office) -> Clinic:
    return await Clinic(stack, office).opened()


@pytest.mark.parametrize(
    ("path", "operation"),
    [("", "read_run"), ("/why", "explain_run"), ("/steps/step_001", "read_step")],
)
async def test_a_read_of_clear_values_says_who_saw_which_fields(clinic: Clinic, path: str, operation: str) -> None:
    await clinic.doctor.data("GET", f"{clinic.path}{path}", X_Request_ID="req_of_the_doctor")
    (record,) = await clinic.records()
    assert {name: record[name] for name in ("user", "user_type", "operation", "outcome", "correlation_id")} == {
        "user": "doctor", "user_type": "user", "operation": operation, "outcome": "disclosed",
        "correlation_id": "req_of_the_doctor",
    }  # fmt: skip
    assert (record["fields"], record["count"], record["run_id"]) == (["card", "ssn"], 1, clinic.run_id)
    assert not any(found_in([("record", orjson.dumps(record))], [SSN]).values())


async def test_lists_leave_a_record_for_each_run_that_they_show(clinic: Clinic) -> None:
    await clinic.doctor.data("GET", "/playbook-runs")
    await clinic.user("starter", "run:read", "run:read_sensitive").data("GET", "/tasks")
    told = [(record["operation"], record["user"]) for record in await clinic.records()]
    assert told == [("list_tasks", "starter"), ("list_runs", "doctor")]


async def test_a_masked_read_leaves_no_record(clinic: Clinic) -> None:
    await clinic.user("clerk", "run:read").data("GET", clinic.path)
    assert await clinic.records() == []


async def test_an_export_of_evidence_is_recorded_for_everybody(clinic: Clinic) -> None:
    await clinic.user("lawyer", "run:read").data("GET", f"{clinic.path}/evidence")
    (record,) = await clinic.records(outcome="exported")
    assert (record["user"], record["operation"], record["fields"]) == ("lawyer", "export_evidence", ["card", "ssn"])


async def test_keys_that_are_rotated_and_data_that_is_erased_are_recorded(clinic: Clinic) -> None:
    officer = clinic.user("officer", "key:rotate", "data:erase")
    await officer.data("POST", "/organization/encryption-keys", {})
    await officer.data("DELETE", "/organization/encrypted-data")
    records = await clinic.all_records(outcome="allowed")
    assert [(r["user"], r["operation"]) for r in records] == [
        ("officer", "erase_organization_data"), ("officer", "rotate_key"),
    ]  # fmt: skip


async def test_a_webhooks_secret_that_is_shown_is_recorded(clinic: Clinic) -> None:
    async with endpoint() as taken:
        manager = clinic.user("manager", "webhook:manage")
        webhook = {"url": taken.url("/told"), "event_types": ["*"]}
        made = await manager.data("POST", "/webhooks", {"webhook": webhook})
        (record,) = await clinic.all_records(outcome="disclosed")
        assert (record["user"], record["operation"]) == ("manager", "create_webhook")
        assert made["secret"] not in str(record)


async def test_a_clear_value_is_returned_only_after_its_record_is_stored(clinic: Clinic, stack: RunningStack) -> None:
    with pymongo.MongoClient[dict[str, Any]](stack.mongodb_uri) as client:
        database = client[f"{stack.database_prefix}_run_engine"]
        database.command("collMod", "access_log", validator={"never": {"$exists": True}})
        try:
            for path in ("", "/why", "/steps/step_001", "/evidence"):
                refused = await clinic.doctor.ask("GET", f"{clinic.path}{path}")
                assert refused.status_code >= 500, path
                assert not any(found_in([("answer", refused.content)], [SSN, "$encrypted"]).values())
            await clinic.user("clerk", "run:read").data("GET", clinic.path)
        finally:
            database.command("collMod", "access_log", validator={})
    assert (await clinic.doctor.data("GET", clinic.path))["data"]["ssn"] == SSN
    assert len(await clinic.records()) == 1


async def test_refused_calls_are_counted_with_who_called_and_why_not(clinic: Clinic) -> None:
    stranger, clerk = clinic.user("stranger"), clinic.user("clerk", "run:read")
    for _ in range(5):
        await stranger.error("GET", clinic.path)
    await clerk.error("GET", f"{clinic.path}/steps/step_099")
    await User(clerk.http, clerk.organization_id, {}).error("GET", f"{clinic.path}/evidence")

    def is_complete(records: Records) -> bool:
        counts: dict[int, int] = {}
        for record in records:
            counts[record["status"]] = counts.get(record["status"], 0) + record["count"]
        return counts == {403: 5, 404: 1, 401: 1}

    records = await clinic.until_refused(is_complete)
    who = {(r["status"], r.get("user"), r["operation"]) for r in records}
    assert who == {(403, "stranger", "read_run"), (404, "clerk", "read_step"), (401, None, "export_evidence")}
    assert all(record["fields"] == [] for record in records)


async def test_the_log_is_for_those_with_its_permission_and_of_the_runs_organization(
    clinic: Clinic, stack: RunningStack
) -> None:
    await clinic.doctor.data("GET", clinic.path)
    nosy = clinic.user("nosy", "run:*", "playbook:*", "data:erase", "key:rotate")
    for path in (f"{clinic.path}/access-log", "/organization/access-log"):
        assert (await nosy.error("GET", path))["status"] == 403
    token = stack.token("org_elsewhere", subject="auditor", permissions=("audit:read",))
    elsewhere = User(nosy.http, "org_elsewhere", {"Authorization": f"Bearer {token}"})
    assert (await elsewhere.error("GET", f"{clinic.path}/access-log"))["status"] == 404
    assert clinic.run_id not in (await elsewhere.ask("GET", "/organization/access-log")).text


async def test_the_log_is_read_by_pages(clinic: Clinic) -> None:
    for _ in range(3):
        await clinic.doctor.data("GET", clinic.path)
    auditor, path = clinic.user("auditor", "audit:read"), f"{clinic.path}/access-log?limit=2"
    first = await auditor.data("GET", path)
    rest = await auditor.data("GET", f"{path}&cursor={first['next']}")
    assert (len(first["access_log"]), len(rest["access_log"]), rest["next"], first["total"]) == (2, 1, None, 3)
    assert (await auditor.error("GET", f"{path}&outcome=unknown"))["details"]["field"] == "outcome"
