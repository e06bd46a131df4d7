"""A run's history is proved: over REST, from an exported document, and in the database that somebody changed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from pymongo import AsyncMongoClient

from deploy.local.folder import CHECKOUT
from tests.e2e.office import Office
from tests.running_stack import RunningStack

STEP = {"name": "Check", "sequence": 1}


def _verify(*arguments: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "services.timeline.verify", *arguments]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def ended_run(office: Office) -> str:
    run_id = await office.run(await office.playbook(STEP), initial_data={"amount": 120.5})
    await office.user("starter").data(
        "POST", f"/playbook-runs/{run_id}/steps/step_001/complete", {"completion": {"data": {"note": "fine"}}}
    )
    return run_id


async def test_the_evidence_holds_all_of_a_run_and_proves_itself(
    office: Office, ended_run: str, tmp_path: Path
) -> None:
    auditor = office.user("auditor")
    evidence = await auditor.data("GET", f"/playbook-runs/{ended_run}/evidence")
    assert evidence["run"] == await auditor.data("GET", f"/playbook-runs/{ended_run}")
    shown = await auditor.data("GET", f"/playbook-runs/{ended_run}/timeline?include_system_events=true")
    assert (evidence["timeline"], evidence["summary"]) == (shown["timeline"], shown["summary"])
    assert [event["sequence"] for event in evidence["events"]] == list(range(1, evidence["run"]["version"] + 1))
    assert evidence["playbook"]["steps"][0]["name"] == "Check"
    assert (evidence["exported_by"], evidence["verification"]["status"]) == ("auditor", "verified")
    told = await auditor.data("GET", f"/playbook-runs/{ended_run}/timeline/verification")
    assert told == {"run_id": ended_run, **evidence["verification"]}

    document = tmp_path / "evidence.json"
    document.write_bytes(orjson.dumps(evidence))
    assert _verify(str(document)) == (0, f"{document}: verified, {len(evidence['events'])} events\n")
    document.write_bytes(document.read_bytes().replace(b"120.5", b"999.5"))
    status, said = _verify(str(document))
    assert (status, f"{document}: broken at event 1: its content" in said) == (1, True)


async def test_a_document_whose_timeline_tells_something_else_than_its_events_is_found(
    office: Office, ended_run: str, tmp_path: Path
) -> None:
    evidence = await office.user("auditor").data("GET", f"/playbook-runs/{ended_run}/evidence")
    evidence["timeline"][0]["actor"] = "somebody"
    document = tmp_path / "evidence.json"
    document.write_bytes(orjson.dumps(evidence))
    said = "its events hold, but entry 1 of `timeline` does not tell what event 1 says"
    assert _verify(str(document)) == (1, f"{document}: {said}\n")


async def test_a_change_in_the_timelines_database_is_found(stack: RunningStack, office: Office, ended_run: str) -> None:
    await _change(stack, office.organization_id, ended_run)
    told = await office.user("auditor").data("GET", f"/playbook-runs/{ended_run}/timeline/verification")
    assert (told["status"], told["broken"]["sequence"]) == ("broken", 1)
    status, said = _verify("--run", ended_run, **_settings(stack))
    assert (status, f"{ended_run}: broken at event 1" in said) == (1, True)
    assert "1 runs checked, not all hold." in said


async def test_a_run_that_was_taken_out_of_the_timeline_whole_is_missed(
    stack: RunningStack, office: Office, ended_run: str
) -> None:
    auditor = office.user("auditor")
    count = (await auditor.data("GET", f"/playbook-runs/{ended_run}/timeline/verification"))["events"]
    async with AsyncMongoClient[dict[str, Any]](stack.mongodb_uri) as mongo:
        await mongo[f"{stack.database_prefix}_timeline"]["events"].delete_many({"_id.run_id": ended_run})
    told = await auditor.data("GET", f"/playbook-runs/{ended_run}/timeline/verification")
    assert (told["status"], told["missing_from"]) == ("incomplete", 1)
    status, said = _verify("--run", ended_run, **_settings(stack))
    assert (status, f"{ended_run}: incomplete: {count} events were written, 0 are here" in said) == (1, True), said


async def test_a_run_that_was_put_into_the_timeline_is_found_and_the_others_are_checked(
    stack: RunningStack, office: Office, ended_run: str
) -> None:
    forged = "run_" + "0" * 8
    async with AsyncMongoClient[dict[str, Any]](stack.mongodb_uri) as mongo:
        events = mongo[f"{stack.database_prefix}_timeline"]["events"]
        async for stored in events.find({"_id.run_id": ended_run}):
            await events.insert_one({**stored, "_id": {**stored["_id"], "run_id": forged}})
    status, said = _verify("--organization", office.organization_id, **_settings(stack))
    assert (status, f"{forged}: broken at event 1: the engine wrote no such event" in said) == (1, True), said
    assert "2 runs checked, not all hold." in said


def test_who_has_another_service_token_than_the_engine_is_told_what_to_set(stack: RunningStack) -> None:
    status, said = _verify(**_settings(stack) | {"SERVICE_TOKEN": "x" * 40})
    assert (status, "SERVICE_TOKEN; set it to one of the tokens" in said, "Traceback" in said) == (2, True, False), said


def _settings(stack: RunningStack) -> dict[str, str]:
    return stack.plan.programs["timeline"].environment | {"RUN_ENGINE_URL": stack.url("run_engine")}


async def _change(stack: RunningStack, organization_id: str, run_id: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](stack.mongodb_uri) as mongo:
        events = mongo[f"{stack.database_prefix}_timeline"]["events"]
        key = {"organization_id": organization_id, "run_id": run_id, "sequence": 1}
        stored = await events.find_one({"_id": key})
        assert stored is not None
        await events.update_one({"_id": key}, {"$set": {"event": stored["event"].replace("120.5", "999.5")}})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is no evidence document"), (b"[]", "is no evidence document"), (None, "can't be read")],
)
def test_what_is_no_evidence_is_said_in_a_sentence(content: bytes | None, said: str, tmp_path: Path) -> None:
    document = tmp_path / "evidence.json"
    if content is not None:
        document.write_bytes(content)
    status, output = _verify(str(document))
    assert (status, said in output, "Traceback" in output) == (2, True, False)
