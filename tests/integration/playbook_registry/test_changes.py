"""Changes of playbooks: revisions, archiving, deleting; each made once, and only from what the caller saw."""

import asyncio
from typing import Any

import pytest

from contracts.commands import ArchivePlaybook, DeletePlaybook, PlaybookChange, RestorePlaybook, RevisePlaybook
from shared.ids import new_id
from tests.integration.playbook_registry.conftest import CALLER, Bench, draft


async def registered(bench: Bench, **over: Any) -> dict[str, Any]:
    """What every change of a new playbook carries."""
    organization_id = new_id("org")
    reply = await bench.ask(bench.command(draft(**over), organization_id))
    assert reply.result is not None
    return {"caller": CALLER, "playbook_id": reply.result["playbook_id"], "organization_id": organization_id}


async def read(bench: Bench, subject: dict[str, Any], path: str = "") -> tuple[int, Any]:
    return await bench.get(f"/{subject['playbook_id']}{path}", organization_id=subject["organization_id"])


async def test_a_change_is_a_new_revision_and_the_old_one_stays(bench: Bench) -> None:
    subject = await registered(bench)
    longer = draft(name="Longer", steps=[{"name": "A", "sequence": 1}, {"name": "B", "sequence": 2}])
    reply = await bench.change(RevisePlaybook(**subject, draft=longer))
    assert reply.result is not None
    assert (reply.result["revision"], reply.result["metrics"]["total_steps"]) == (2, 2)
    _, now = await read(bench, subject)
    assert (now["revision"], now["name"], len(now["steps"])) == (2, "Longer", 2)
    assert [note["revision"] for note in now["revisions"]] == [1, 2]
    _, before = await read(bench, subject, "/revisions/1")
    assert (before["revision"], before["name"], len(before["steps"])) == (1, "Test", 1)
    assert (await read(bench, subject, "/revisions/3"))[0] == 404
    told = await bench.events.find(lambda d: d["key"] == subject["playbook_id"], count=2)
    assert [event["data"]["definition"]["revision"] for event in told] == [1, 2]


async def test_a_change_is_made_once_and_answered_again(bench: Bench) -> None:
    subject, command_id = await registered(bench), new_id("cmd")
    revise = RevisePlaybook(**subject, draft=draft(name="Once"))
    first = await bench.change(revise, command_id, "body-1")
    again = await bench.change(revise, command_id, "body-1")
    assert (first.replayed, again.replayed, again.result) == (False, True, first.result)
    other = await bench.change(revise, command_id, "body-2")
    assert other.rejection is not None
    assert other.rejection.code == "IDEMPOTENCY_CONFLICT"
    assert (await read(bench, subject))[1]["revision"] == 2


async def test_of_those_who_saw_the_same_one_changes_it(bench: Bench) -> None:
    subject = await registered(bench)
    changes = [RevisePlaybook(**subject, if_match='"1"', draft=draft(name=f"By {n}")) for n in range(5)]
    replies = await asyncio.gather(*map(bench.change, changes))
    refused = [reply.rejection for reply in replies if reply.rejection is not None]
    assert [(r.code.value, r.details["current"]) for r in refused] == [("CONFLICT", '"2"')] * 4
    assert (await read(bench, subject))[1]["revision"] == 2


async def test_is_refused_as_at_create(bench: Bench) -> None:
    subject = await registered(bench)
    reply = await bench.change(RevisePlaybook(**subject, draft=draft(smart_code="HERA.bad")))
    assert reply.rejection is not None
    assert reply.rejection.code == "SMART_CODE_INVALID"
    assert (await read(bench, subject))[1]["revision"] == 1


async def test_takes_no_smart_code_that_another_has(bench: Bench) -> None:
    subject = await registered(bench)
    await bench.ask(bench.command(draft(smart_code="HERA.TEST.PLAYBOOK.OTHER.v1"), subject["organization_id"]))
    reply = await bench.change(RevisePlaybook(**subject, draft=draft(smart_code="HERA.TEST.PLAYBOOK.OTHER.v1")))
    assert reply.rejection is not None
    assert (reply.rejection.code, reply.rejection.details["field"]) == ("CONFLICT", "playbook.smart_code")


async def test_is_archived_and_restored(bench: Bench) -> None:
    subject = await registered(bench)
    for command, status in ((ArchivePlaybook, "archived"), (RestorePlaybook, "active")):
        reply = await bench.change(command(**subject))
        assert reply.result is not None
        assert reply.result["status"] == status
        assert (await read(bench, subject, "/head"))[1] == {"revision": 1, "status": status}


async def test_a_deleted_one_is_gone_for_everybody(bench: Bench) -> None:
    subject = await registered(bench)
    command_id = new_id("cmd")
    gone = await bench.change(DeletePlaybook(**subject), command_id)
    assert gone.result is not None
    assert (gone.result["previous_status"], gone.result["status"]) == ("active", "deleted")
    assert (await bench.change(DeletePlaybook(**subject), command_id)).replayed
    for path in ("", "/head", "/revisions/1"):
        assert (await read(bench, subject, path))[0] == 404
    for change in (ArchivePlaybook, RestorePlaybook, DeletePlaybook):
        reply = await bench.change(change(**subject))
        assert reply.rejection is not None
        assert reply.rejection.code == "NOT_FOUND"
    _, page = await bench.get("", organization_id=subject["organization_id"])
    assert (page["playbooks"], page["total"]) == ([], 0)


@pytest.mark.parametrize("over", [{"organization_id": "org_other"}, {"playbook_id": "pb_unknown"}])
async def test_knows_neither_a_foreign_nor_an_unknown_one(bench: Bench, over: dict[str, str]) -> None:
    subject = await registered(bench)
    change: PlaybookChange = ArchivePlaybook.model_validate({**subject, **over})
    reply = await bench.change(change)
    assert reply.rejection is not None
    assert (reply.rejection.code, reply.rejection.details["value"]) == ("NOT_FOUND", change.playbook_id)
    assert (await read(bench, subject, "/head"))[1]["status"] == "active"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["Loans", "Intake"]),
        ({"type": "approval"}, ["Loans"]),
        ({"category": "clinical"}, ["Intake"]),
        ({"smart_code": "HERA.BANK"}, ["Loans"]),
        ({"smart_code": "HERA.BA"}, []),
        ({"q": "inta"}, ["Intake"]),
        ({"q": "patients NEW"}, ["Intake"]),
        ({"q": "patients loans"}, []),
        ({"status": "archived"}, []),
        ({"type": "approval", "q": "loans", "status": "active"}, ["Loans"]),
    ],
)
async def test_lists_what_is_asked_for(bench: Bench, filters: dict[str, str], found: list[str]) -> None:
    organization_id = new_id("org")
    for over in (
        {
            "name": "Intake",
            "description": "New patients",
            "category": "clinical",
            "smart_code": "HERA.CARE.TEST.INTAKE.v1",
        },
        {"name": "Loans", "type": "approval", "smart_code": "HERA.BANK.TEST.LOANS.v1"},
    ):
        await bench.ask(bench.command(draft(**over), organization_id))
    _, page = await bench.get("", organization_id=organization_id, **filters)
    assert ([playbook["name"] for playbook in page["playbooks"]], page["total"]) == (found, len(found))


@pytest.mark.parametrize("field", ["type", "category", "smart_code_prefixes", "words", "status"])
async def test_an_index_serves_each_filter_in_its_order(bench: Bench, field: str) -> None:
    query = {"organization_id": "org_1", field: "active"}
    cursor = bench.service.mongo.collection("playbooks").find(query).sort([("created_at", -1), ("_id", -1)])
    plan = str((await cursor.explain())["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan
    assert "'SORT'" not in plan
