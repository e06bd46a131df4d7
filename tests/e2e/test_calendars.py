"""Business calendars over REST: what is put decides about the very next run, through any gateway."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest

ZONE = "Pacific/Auckland"
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def tomorrow_only() -> tuple[dict[str, Any], datetime]:
    """A calendar that is closed today, and when it opens."""
    tomorrow = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=1)
    today = {"date": (tomorrow - timedelta(days=1)).isoformat(), "name": "Closed", "hours": []}
    opens = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 9, tzinfo=ZoneInfo(ZONE))
    document = {"time_zone": ZONE, "hours": {day: ["09:00-17:00"] for day in WEEK}, "exceptions": [today]}
    return document, opens.astimezone(UTC)


def timed(**metadata: Any) -> dict[str, Any]:
    playbook = tasks_in_a_row(1)
    playbook["steps"][0] |= {"timeout_minutes": 90, "metadata": metadata}
    return playbook


async def due(rest: Rest, playbook_id: str) -> datetime:
    run_id = await rest.started(playbook_id)
    step = (await rest.data("GET", f"/playbook-runs/{run_id}/steps/step_001"))["due_at"]
    return datetime.fromisoformat(step)


async def test_a_calendar_decides_about_the_next_run_until_it_is_deleted(rest: Rest) -> None:
    ours = rest.elsewhere()
    by_default, around_the_clock = await ours.created(timed()), await ours.created(timed(calendar="24x7"))
    assert await due(ours, by_default) < datetime.now(UTC) + timedelta(minutes=91)
    document, opens = tomorrow_only()
    put = await ours.data("PUT", "/calendars/default", {"document": document})
    assert (put["calendar"], put["revision"], put["deleted"]) == ("default", 1, False)
    assert await due(ours, by_default) == opens + timedelta(minutes=90)
    assert await due(ours, around_the_clock) < datetime.now(UTC) + timedelta(minutes=91)
    assert (await ours.data("DELETE", "/calendars/default"))["deleted"]
    assert await due(ours, by_default) < datetime.now(UTC) + timedelta(minutes=91)


async def test_a_playbook_names_its_calendar_and_the_timeline_says_which_revision_it_was(rest: Rest) -> None:
    ours, (document, opens) = rest.elsewhere(), tomorrow_only()
    refused = await ours.error("POST", "/playbooks", {"playbook": timed(calendar="auckland")})
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_ERROR", "steps[0].metadata.calendar")
    for _ in range(2):
        await ours.data("PUT", "/calendars/auckland", {"document": document})
    playbook_id = await ours.created(timed(calendar="auckland"))
    run_id = await ours.started(playbook_id)
    timeline = (await ours.data("GET", f"/playbook-runs/{run_id}/timeline"))["timeline"]
    assert timeline[1]["details"]["calendar"] == {"name": "auckland", "revision": 2}
    step = await ours.data("GET", f"/playbook-runs/{run_id}/steps/step_001")
    assert datetime.fromisoformat(step["due_at"]) == opens + timedelta(minutes=90)


async def test_calendars_are_listed_read_changed_by_their_etag_and_kept_in_their_history(rest: Rest) -> None:
    ours, (document, _) = rest.elsewhere(), tomorrow_only()
    assert (await ours.data("GET", "/calendars"))["calendars"] == []
    assert (await ours.error("GET", "/calendars/main"))["status"] == 404
    german = document | {"holidays": {"country": "DE", "dates": [{"date": "2026-12-24", "name": "Eve"}]}}
    await ours.data("PUT", "/calendars/main", {"document": german, "comment": "first"})
    answer = await ours.ask("GET", "/calendars/main")
    assert answer.headers["ETag"] == '"1"'
    assert (await ours.ask("GET", "/calendars/main", If_None_Match='"1"')).status_code == 304
    found = answer.json()["data"]["document"]
    assert {"date": "2027-10-03", "name": "German Unity Day"} in found["public_holidays"]
    again = await ours.data("PUT", "/calendars/main", {"document": found}, If_Match='"1"')
    assert (again["revision"], again["document"]) == (2, found)
    stale = await ours.error("PUT", "/calendars/main", {"document": found}, If_Match='"1"')
    assert (stale["status"], stale["details"]["current"]) == (409, '"2"')
    await ours.data("DELETE", "/calendars/main", If_Match='"2"')
    assert (await ours.error("GET", "/calendars/main"))["status"] == 404
    assert (await ours.error("DELETE", "/calendars/main"))["status"] == 404
    assert (await ours.data("GET", "/calendars"))["calendars"] == []
    history = (await ours.data("GET", "/calendars/main/history"))["revisions"]
    assert [(h["revision"], h["deleted"], h["comment"]) for h in history] == [
        (3, True, None), (2, False, None), (1, False, "first"),
    ]  # fmt: skip
    assert (await ours.data("PUT", "/calendars/main", {"document": document}))["revision"] == 4
    assert [c["calendar"] for c in (await ours.data("GET", "/calendars"))["calendars"]] == ["main"]


async def test_a_calendar_that_something_names_is_not_deleted(rest: Rest) -> None:
    ours, (document, _) = rest.elsewhere(), tomorrow_only()
    await ours.data("PUT", "/calendars/auckland", {"document": document})
    playbook_id = await ours.created(timed(calendar="auckland"))
    run_id = await ours.started(playbook_id)
    refused = await ours.error("DELETE", "/calendars/auckland")
    assert (refused["status"], refused["code"], refused["details"]["value"]) == (409, "CONFLICT", "auckland")
    details = refused["details"]
    assert [playbook["playbook_id"] for playbook in details["playbooks"]] == [playbook_id]
    assert (details["playbooks_total"], details["open_runs"], details["open_runs_of"]) == (1, 1, [playbook_id])

    await ours.data("PUT", f"/playbooks/{playbook_id}", {"playbook": timed()})
    refused = await ours.error("DELETE", "/calendars/auckland")  # the run keeps its revision
    assert (refused["details"]["playbooks"], refused["details"]["open_runs"]) == ([], 1)
    await ours.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "cancel", "reason": "over"}})
    assert (await ours.data("DELETE", "/calendars/auckland"))["deleted"]


async def test_a_bad_calendar_is_refused_with_each_field(rest: Rest) -> None:
    wrong = {"time_zone": "Berlin", "hours": {"monday": ["09:00-12:00", "11:00-17:00"]}}
    refused = await rest.elsewhere().error("PUT", "/calendars/default", {"document": wrong})
    assert (refused["status"], refused["code"]) == (400, "VALIDATION_ERROR")
    fields = [fault["field"] for fault in refused["details"]["errors"]]
    assert fields == ["document.time_zone", "document.hours.monday[1]"]
    named = await rest.error("PUT", "/calendars/24x7", {"document": tomorrow_only()[0]})
    assert (named["status"], named["details"]["field"]) == (400, "calendar")


async def test_another_organizations_calendar_is_not_there(rest: Rest) -> None:
    ours, theirs = rest.elsewhere(), rest.elsewhere()
    await ours.data("PUT", "/calendars/default", {"document": tomorrow_only()[0]})
    assert (await theirs.error("GET", "/calendars/default"))["status"] == 404
    assert await due(theirs, await theirs.created(timed())) < datetime.now(UTC) + timedelta(minutes=91)
