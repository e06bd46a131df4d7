"""Times at the ends of the calendar, wherever a request may hold one: taken, or refused with their field. Never 500."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from services.gateway.application import openapi_document
from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest

BEYOND = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
AT_THE_END = ["0001-01-01T00:00:00Z", "0001-01-01T23:59:00+23:59", "9999-12-31T23:59:59.999999Z"]
LISTS = ["/playbook-runs", "/playbooks", "/tasks", "/tasks?sort=priority", "/playbook-runs?sort=due_at"]


def time_parameters() -> Iterator[tuple[str, str]]:
    """Path and name of each that the API documents."""
    for path, operations in openapi_document()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if b"date-time" in orjson.dumps(parameter):
                yield path.removeprefix("/api/v1"), parameter["name"]


@pytest.mark.parametrize(("path", "name"), sorted(time_parameters()))
async def test_a_query_parameter(rest: Rest, path: str, name: str) -> None:
    for text in BEYOND:
        refused = await rest.error("GET", f"{path}?{name}={text.replace('+', '%2B')}")
        assert (refused["status"], refused["details"]["field"]) == (400, name), refused
    for text in AT_THE_END:
        assert (await rest.ask("GET", f"{path}?{name}={text.replace('+', '%2B')}")).status_code == 200


def bodies(run_id: str, webhook_id: str, moment: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each with the path of the moment in it."""
    pause = {"type": "pause", "pause_until": moment}
    yield f"/playbook-runs/{run_id}/signal", "signal.pause_until", {"signal": pause}
    for name in ("created_from", "created_to", "updated_from", "updated_to"):
        signal = {"type": "event", "name": "paid"}
        body = {"signal": signal, "filter": {"playbook_id": "pb_1", name: moment}}
        yield "/playbook-runs/bulk-signal", f"filter.{name}", body
    for name in ("starts_at", "ends_at"):
        delegation = {"substitute": "bob", "ends_at": "2030-01-01T00:00:00Z", name: moment}
        yield "/delegations", f"delegation.{name}", {"delegation": delegation}
    yield f"/webhooks/{webhook_id}/replay-failed", "since", {"since": moment}
    for name in ("start", "end"):
        yield "/analytics/playbook-runs", f"filters.date_range.{name}", {"filters": {"date_range": {name: moment}}}


async def test_a_field_of_a_body(rest: Rest) -> None:
    playbook_id = await rest.created(tasks_in_a_row(1))
    subscribed = {"webhook": {"url": "https://hooks.example.com/hera", "event_types": ["run_completed"]}}
    webhook_id = (await rest.data("POST", "/webhooks", subscribed))["webhook_id"]
    for moment in BEYOND:
        for path, field, body in bodies(await rest.started(playbook_id), webhook_id, moment):
            refused = await rest.error("POST", path, body)
            assert (refused["status"], refused["details"]["field"]) == (400, field), (moment, refused)
    for moment in AT_THE_END:
        run_id = await rest.started(playbook_id)
        for path, field, body in bodies(run_id, webhook_id, moment):
            assert (await rest.ask("POST", path, body)).status_code < 500, (moment, field)
        for read in ("", "/why", "/timeline"):
            assert (await rest.ask("GET", f"/playbook-runs/{run_id}{read}")).status_code == 200


async def test_a_day_of_a_calendar(rest: Rest) -> None:
    ours = rest.elsewhere()
    for day in ("0001-01-01", "9999-12-31"):
        hours = {"monday": ["09:00-17:00"]}
        dates = {"holidays": {"dates": [{"date": day, "name": "End"}]}, "exceptions": [{"date": day, "name": "End"}]}
        put = {"document": {"time_zone": "Asia/Tokyo", "hours": hours} | dates}
        assert (await ours.ask("PUT", f"/calendars/days-{day}", put)).status_code < 500
    playbook = tasks_in_a_row(1)
    playbook["metadata"] = {"sla_hours": 1, "calendar": "days-9999-12-31"}
    answer = await ours.ask("POST", "/playbooks", {"playbook": playbook})
    assert answer.status_code < 500
    if answer.status_code == 201:
        await ours.started(answer.json()["data"]["playbook_id"])


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_was_made_by_hand(rest: Rest, path: str) -> None:
    for _ in range(2):
        playbook = tasks_in_a_row(1)
        playbook["smart_code"] = f"HERA.TEST.PLAYBOOK.CURSOR.N{uuid.uuid4().hex[:12].upper()}.v1"
        await rest.started(await rest.created(playbook))
    path += "&limit=1" if "?" in path else "?limit=1"
    cursor = (await rest.data("GET", path))["next"]
    mark, *values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for position in range(len(values)):
        for forged in [{"at": BEYOND[0]}, {"at": BEYOND[1]}, {"at": "2024-01-15T00:00:00"}, 2**63]:
            content = orjson.dumps([mark, *values[:position], forged, *values[position + 1 :]])
            refused = await rest.error("GET", f"{path}&cursor={urlsafe_b64encode(content).decode().rstrip('=')}")
            assert (refused["status"], refused["details"]["field"]) == (400, "cursor")
