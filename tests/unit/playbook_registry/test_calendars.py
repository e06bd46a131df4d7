"""Calendars as they are put: what is wrong with them, told to the field, and the public holidays that they mean."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.calendars import Calendar, NamedCalendar
from contracts.commands import RestorePlaybook
from contracts.policies import DEFAULT_POLICIES, OrganizationPolicies
from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.playbook_registry.domain.calendars import MAX_CALENDARS, is_behind, with_public_holidays
from services.playbook_registry.domain.changes import Changed, change
from services.playbook_registry.domain.playbook import LastChange, StoredPlaybook
from services.playbook_registry.domain.revisions import as_json, first_revision
from services.playbook_registry.domain.validation import refusal
from services.playbook_registry.organization.changes import checked
from shared import clock
from tests.unit.playbook_registry.drafts import draft

OFFICE: dict[str, Any] = {"time_zone": "Europe/Berlin", "hours": {"monday": ["09:00-12:00", "13:00-17:00"]}}

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
BY = LastChange(NOW, "ada", "cmd_1", "req_1", None)


def put(document: dict[str, Any], name: str = "default", in_force: OrganizationPolicies = DEFAULT_POLICIES) -> Any:
    return checked("calendar", document, in_force, name)


def known(*names: str) -> OrganizationPolicies:
    named = {name: NamedCalendar.model_validate({**OFFICE, "name": name, "revision": 1}) for name in names}
    return OrganizationPolicies(calendars=named)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"time_zone": "Berlin"}, "document.time_zone", "such as Europe/Berlin"),
        ({"time_zone": "localtime"}, "document.time_zone", "must be a time zone"),
        ({"time_zone": None}, "document.time_zone", ""),
        ({"hours": {}}, "document.hours", "One weekday must be open"),
        ({"hours": {"monday": []}}, "document.hours", "One weekday must be open"),
        ({"hours": {"Monday": ["09:00-17:00"]}}, "document.hours.Monday", ""),
        ({"hours": {"monday": ["9-17"]}}, "document.hours.monday[0]", "written as 09:00-17:00"),
        ({"hours": {"monday": ["09:00-24:30"]}}, "document.hours.monday[0]", "written as 09:00-17:00"),
        ({"hours": {"monday": ["22:00-06:00"]}}, "document.hours.monday[0]", "over midnight"),
        ({"hours": {"monday": ["09:00-12:00", "11:00-17:00"]}}, "document.hours.monday[1]", "before 09:00-12:00"),
        ({"hours": {"monday": ["13:00-17:00", "09:00-12:00"]}}, "document.hours.monday[1]", "before 13:00-17:00"),
        ({"holidays": {"country": "XX"}}, "document.holidays.country", "ISO 3166-1"),
        ({"holidays": {"country": "de"}}, "document.holidays.country", "DE"),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, "document.holidays.subdivision", "BY"),
        ({"holidays": {"subdivision": "BY"}}, "document.holidays.country", "one of a country"),
        ({"holidays": {"dates": [{"date": "24.12.2026", "name": "x"}]}}, "document.holidays.dates[0].date", ""),
        ({"exceptions": [{"date": "2026-12-31"}]}, "document.exceptions[0].hours", ""),
        (
            {"exceptions": [{"date": "2026-12-31", "hours": []}, {"date": "2026-12-31", "hours": []}]},
            "document.exceptions[1].date",
            "Another exception",
        ),
        (
            {"exceptions": [{"date": "2026-12-31", "hours": ["8-9"]}]},
            "document.exceptions[0].hours[0]",
            "written as 09:00",
        ),
        ({"timezone": "Europe/Berlin"}, "document.timezone", ""),
    ],
)
def test_says_which_field_is_wrong_and_why(change: dict[str, Any], field: str, reason: str) -> None:
    outcome = put({**OFFICE, **change})
    assert isinstance(outcome, Rejection), outcome
    assert (outcome.code, outcome.details["field"]) == (Code.VALIDATION_ERROR, field)
    assert reason in outcome.details["reason"]


@pytest.mark.parametrize("name", ["24x7", "", "Main", "a b", "x" * 65])
def test_a_calendar_has_a_name_that_means_no_other(name: str) -> None:
    outcome = put(OFFICE, name)
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.details["field"], outcome.details["value"]) == (
        Code.VALIDATION_ERROR, "calendar", name,
    )  # fmt: skip


def test_an_organization_has_so_many_at_most_and_may_change_each_of_them() -> None:
    full = known(*(f"c{n}" for n in range(MAX_CALENDARS)))
    outcome = put(OFFICE, "one-more", full)
    assert isinstance(outcome, Rejection) and f"{MAX_CALENDARS} calendars" in outcome.details["reason"]
    assert isinstance(put(OFFICE, "c7", full), Calendar)


def test_works_out_the_public_holidays_whatever_was_sent_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    bavaria = {**OFFICE, "holidays": {"country": "DE", "subdivision": "BY"}, "public_holidays": []}
    calendar = put(bavaria)
    found = {holiday.date: holiday.name for holiday in calendar.public_holidays}
    assert found[date(2026, 1, 6)] == "Epiphany" and date(2026, 4, 3) in found
    assert min(found).year == 2025 and max(found).year == 2036
    assert calendar.public_holidays_until == date(2036, 12, 31)
    again = calendar.model_dump(mode="json") | {"holidays": {"country": "DE", "subdivision": "BE"}}
    assert date(2026, 1, 6) not in {holiday.date for holiday in put(again).public_holidays}


def test_public_holidays_are_behind_when_another_year_has_begun() -> None:
    german = Calendar.model_validate({**OFFICE, "holidays": {"country": "DE"}})
    calendar = with_public_holidays(german, date(2026, 3, 1))
    assert not is_behind(calendar, date(2026, 12, 31))
    assert is_behind(calendar, date(2027, 1, 1))
    assert is_behind(german, date(2026, 3, 1))
    assert not is_behind(Calendar.model_validate(OFFICE), date(2040, 1, 1))


def test_without_a_country_there_are_no_public_holidays() -> None:
    sent = Calendar.model_validate({**OFFICE, "public_holidays": [{"date": "2026-01-06", "name": "x"}]})
    calendar = with_public_holidays(sent, date(2026, 1, 1))
    assert (calendar.public_holidays, calendar.public_holidays_until) == ((), None)


def test_a_playbook_names_a_calendar_that_is_there() -> None:
    for name in ("default", "24x7", "munich"):
        of_step = {"metadata": {"calendar": name}}
        assert refusal(draft(of_step, metadata={"calendar": name}), known("munich")) is None
    outcome = refusal(draft({"metadata": {"calendar": "bonn"}}, metadata={"calendar": "rome"}), known("munich"))
    assert outcome is not None
    assert [fault["field"] for fault in outcome.details["errors"]] == [
        "playbook.metadata.calendar",
        "steps[0].metadata.calendar",
    ]


def archived(*names: str) -> StoredPlaybook:
    """Names a calendar at each of its steps."""
    steps = [{"name": name, "sequence": n, "metadata": {"calendar": name}} for n, name in enumerate(names, 1)]
    definition = first_revision(draft(*steps), "pb_1", "org_1", NOW, "ada")
    return StoredPlaybook(
        "pb_1", "org_1", definition.smart_code, "archived", 1, NOW, as_json(definition), {}, {}, "cmd_1", None, BY
    )


def restored(playbook: StoredPlaybook, in_force: OrganizationPolicies) -> Changed | Rejection:
    caller = Caller(id="ada", permissions=("playbook:update",))
    command = RestorePlaybook(caller=caller, playbook_id=playbook.playbook_id, organization_id="org_1")
    return change(playbook, command, in_force, BY)


def test_an_archived_playbook_is_not_restored_without_the_calendars_that_it_names() -> None:
    playbook = archived("rome", "default", "munich", "24x7", "bonn")
    refused = restored(playbook, known("munich"))
    assert isinstance(refused, Rejection)
    assert (refused.code, refused.details["calendars"]) == (Code.CONFLICT, ["bonn", "rome"])
    outcome = restored(playbook, known("bonn", "munich", "rome"))
    assert isinstance(outcome, Changed)
    assert outcome.playbook.status == "active"


def test_restoring_what_was_never_archived_asks_for_no_calendar() -> None:
    assert isinstance(restored(replace(archived("rome"), status="active"), known()), Changed)
