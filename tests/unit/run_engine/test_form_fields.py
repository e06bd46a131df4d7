"""Every type of form field: what it takes, what its bounds bound, and what is told of what is wrong."""

from typing import Any

import pytest

from contracts.calendars import NamedCalendar
from contracts.definitions import FIELD_KINDS
from contracts.policies import OrganizationPolicies
from tests.unit.run_engine.story import Story, playbook, trial

AB = ["a", "b"]


def form(**field: Any) -> Story:
    return trial({"step_type": "form", "metadata": {"form_fields": [{"name": "f", **field}]}})


def refusals(field: dict[str, Any], value: Any) -> list[str]:
    story = form(**field).completes(1, data={"f": value})
    if story.step(1).status == "completed":
        return []
    return [found["reason"] for found in story.violations()]


TAKEN_AND_REFUSED: dict[str, tuple[list[Any], list[Any], str]] = {
    "text": (["a", "1"], [1, True, ["a"], {"a": 1}], "It must be a text"),
    "email": (
        ["a@b.example", "ü.x+1@müller.example"],
        ["nobody", "@b.example", "a@b", "a b@c.example", "a@b.", "a@.example", "a@b..example", "a@b@c.example", 1],
        "It must be an e-mail address",
    ),
    "number": ([1, 1.5, -2, 0], ["1", True, [1]], "It must be a number"),
    "integer": ([1, 2.0, 10**17], [1.5, "1", False], "It must be a whole number"),
    "boolean": ([True, False], ["true", 1, 0], "It must be true or false"),
    "checkbox": ([True, ["a"]], ["on", 1], "It must be true, false or a list"),
    "date": (
        ["2024-01-15", "2024-02-29"], ["15.1.2024", "2024-02-30", "20240115", "2024-01-15T10:00:00Z", 20240115],
        "It must be a date such as 2024-01-15",
    ),
    "datetime": (
        ["2024-01-15T09:30:00Z", "2024-01-15T09:30:00+01:00", "2024-01-15T09:30"], ["2024-01-15", "9:30", 1],
        "It must be a date and time such as 2024-01-15T09:30:00Z",
    ),
    "list": ([["a", 1]], ["a", {"a": 1}], "It must be a list"),
    "object": ([{"a": 1}], ["a", [1]], "It must be an object"),
    "file": (
        ["scan.pdf", {"url": "https://x.example/scan"}, [{"name": "a.pdf"}, "b.pdf"]], [1, {"size": 3}, [["a"]]],
        "It must be a document: its name or address, or an object with `name`, `url` or `id`",
    ),
}  # fmt: skip


def test_the_table_has_every_kind_of_field() -> None:
    assert set(FIELD_KINDS.values()) - TAKEN_AND_REFUSED.keys() == {"select", "multiselect"}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, (taken, _, _) in TAKEN_AND_REFUSED.items() for value in taken]
)
def test_takes_a_value_of_the_fields_kind(kind: str, value: Any) -> None:
    assert refusals({"type": kind}, value) == []


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [(kind, value, reason) for kind, (_, wrong, reason) in TAKEN_AND_REFUSED.items() for value in wrong],
)
def test_refuses_a_value_of_another_kind_and_says_what_would_be_right(kind: str, value: Any, reason: str) -> None:
    assert refusals({"type": kind}, value) == [reason]


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ({"type": "select", "options": AB}, ["a"], ["c", ["a"]]),
        ({"type": "select", "options": [1, True]}, [1, 1.0, True], [False, "1", 0]),
        ({"type": "select", "options": [{"value": 1, "label": "One"}]}, [1], ["One"]),
        (
            {"type": "multiselect", "options": AB},
            [["a"], ["b", "a"]],
            [["a", "c"], "a", ["a", "a"], ["a", ["b"]], [{"a": 1}]],
        ),
        ({"type": "multiselect", "options": [1, True, "1"]}, [[1, True, "1"]], [[1, 1.0], [False], [0]]),
        ({"type": "text", "options": AB}, ["b"], ["c"]),
    ],
)
def test_a_choice_is_one_of_the_options_without_conversion(
    field: dict[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    assert [refusals(field, value) for value in right] == [[]] * len(right)
    assert all(len(refusals(field, value)) == 1 for value in wrong)


@pytest.mark.parametrize(
    ("field", "right", "wrong", "reason"),
    [
        ({"type": "number", "min": 10}, [10, 10.5], [9.99], "It must be at least 10"),
        ({"type": "integer", "max": 3}, [3, -1], [4], "It must be at most 3"),
        ({"type": "text", "min": 2}, ["ab", "äß"], ["a"], "Its length must be at least 2"),
        ({"type": "text", "max": 3}, ["abc"], ["abcd"], "Its length must be at most 3"),
        ({"type": "text", "max_length": 3}, ["abc"], ["abcd"], "Its length must be at most 3"),
        ({"type": "email", "max": 9}, ["a@b.cd"], ["abcd@b.example"], "Its length must be at most 9"),
        ({"type": "date", "min": "2024-01-10"}, ["2024-01-10"], ["2024-01-09"], "It must be at least 2024-01-10"),
        ({"type": "date", "max": "today"}, ["2024-01-15"], ["2024-01-16"], "It must be at most today"),
        ({"type": "date", "min": "today"}, ["2024-01-15"], ["2024-01-14"], "It must be at least today"),
        (
            {"type": "datetime", "max": "today"}, ["2024-01-15T23:59:59Z", "2024-01-16T00:30:00+01:00"],
            ["2024-01-16T00:00:00Z"], "It must be at most today",
        ),
        (
            {"type": "datetime", "min": "2024-01-15T12:00:00Z"}, ["2024-01-15T13:00:00+01:00"],
            ["2024-01-15T12:59:00+01:00"], "It must be at least 2024-01-15T12:00:00Z",
        ),
        (
            {"type": "multiselect", "options": [*AB, "c"], "min": 1, "max": 2}, [["a"], ["a", "b"]], [["a", "b", "c"]],
            "The number of its items must be at most 2",
        ),
        ({"type": "file", "min": 2}, [["a.pdf", "b.pdf"]], ["a.pdf"], "The number of its items must be at least 2"),
    ],
)  # fmt: skip
def test_min_and_max_bound_what_the_kind_is_measured_by(
    field: dict[str, Any], right: list[Any], wrong: list[Any], reason: str
) -> None:
    assert [refusals(field, value) for value in right] == [[]] * len(right)
    assert [refusals(field, value) for value in wrong] == [[reason]] * len(wrong)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", "  "), ("text", None), ("multiselect", []), ("list", []), ("file", ""), ("number", None)],
)
def test_a_required_field_wants_an_answer(kind: str, value: Any) -> None:
    field = (
        {"type": kind, "required": True, "options": AB} if kind == "multiselect" else {"type": kind, "required": True}
    )
    assert refusals(field, value) == ["The field is required"]


def test_false_and_nought_are_answers() -> None:
    assert refusals({"type": "boolean", "required": True}, False) == []
    assert refusals({"type": "number", "required": True}, 0) == []


def test_a_file_may_be_handed_in_as_an_attachment() -> None:
    story = form(type="file", required=True).completes(1, attachments=[{"name": "f.pdf"}])
    story.then("StepCompleted", "RunCompleted")


DEFAULTS = [
    {"name": "currency", "type": "text", "default": "EUR", "required": True},
    {"name": "day", "type": "date", "default": "today"},
    {"name": "notify", "type": "boolean", "default": False},
]


def test_what_a_completion_leaves_out_gets_its_default() -> None:
    story = trial({"metadata": {"form_fields": DEFAULTS}}).completes(1, data={"notify": True})
    assert story.step(1).data == story.state.data == {"currency": "EUR", "day": "2024-01-15", "notify": True}


def test_a_default_stands_over_nothing_that_the_run_knows_and_over_no_null() -> None:
    story = trial({"metadata": {"form_fields": DEFAULTS}}, start={"initial_data": {"currency": "USD"}})
    story.completes(1, data={"currency": None})
    assert [found["reason"] for found in story.violations()] == ["The field is required"]
    story.completes(1, data={"currency": "CHF", "day": None})
    assert story.state.data == {"currency": "CHF", "day": None, "notify": False}
    again = trial({"metadata": {"form_fields": DEFAULTS[1:]}}, start={"initial_data": {"day": "2020-01-01"}})
    assert again.completes(1).state.data == {"day": "2020-01-01", "notify": False}


def test_who_gives_up_gets_no_defaults() -> None:
    story = trial({"metadata": {"form_fields": DEFAULTS}}).completes(1, outcome="failure")
    assert story.state.data == {}


def test_today_is_the_day_where_the_steps_calendar_is() -> None:
    """Noon in UTC is the next day in Kiritimati, and a day begins there fourteen hours earlier."""
    fields = [
        {"name": "day", "type": "date", "max": "today", "default": "today"},
        {"name": "moment", "type": "datetime", "min": "today"},
    ]
    hours = {"monday": ["08:00-17:00"]}
    sent = {"name": "island", "revision": 1, "time_zone": "Pacific/Kiritimati", "hours": hours}
    policies = OrganizationPolicies(calendars={"island": NamedCalendar.model_validate(sent)})
    step = {"metadata": {"form_fields": fields, "calendar": "island"}}
    story = Story(playbook(step), policies).started()
    story.completes(1, data={"day": "2024-01-17", "moment": "2024-01-15T09:59:00Z"})
    assert [found["reason"] for found in story.violations()] == [
        "It must be at most today",
        "It must be at least today",
    ]
    story.completes(1, data={"moment": "2024-01-15T10:00:00Z"})
    assert story.state.data["day"] == "2024-01-16"
