"""Each type of signal becomes its command, with what it carries."""

from typing import Any, get_args

import pytest

from contracts import commands
from contracts.rejections import Code
from contracts.signals import Signal, SignalType
from contracts.values import Caller
from shared.errors import Refused
from shared.signals import signal_command, signal_faults

CALLER = Caller(id="user_1")
SIGNALS: dict[str, tuple[dict[str, Any], type[commands.SignalCommand]]] = {
    "pause": ({"pause_until": "2034-01-20T09:00:00Z"}, commands.PauseRun),
    "resume": ({}, commands.ResumeRun),
    "cancel": ({}, commands.CancelRun),
    "retry": ({"step_id": "step_002"}, commands.RetryStep),
    "skip": ({"step_id": "step_002", "reason": "done by phone"}, commands.SkipStep),
    "escalate": ({"escalate_to": ["vp_sales"], "assignee": "user_2"}, commands.EscalateStep),
    "reassign": ({"step_id": "step_002", "assignee": "user_2"}, commands.ReassignStep),
    "event": ({"name": "payment_received", "data": {"amount": 5}}, commands.ReceiveEvent),
}


def test_every_type_has_its_command() -> None:
    assert set(SIGNALS) == set(get_args(SignalType))


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_becomes_its_command_with_all_that_it_carries(name: str) -> None:
    fields, kind = SIGNALS[name]
    common = {"reason": "because", "issued_by": "user_9", "metadata": {"a": 1}}
    signal = Signal.model_validate({"type": name, **common, **fields})
    command = signal_command(signal, "sig_1", CALLER)
    assert type(command) is kind
    assert (command.signal_id, command.caller) == ("sig_1", CALLER)
    for field in {**common, **fields}:
        assert getattr(command, field) == getattr(signal, field)


@pytest.mark.parametrize(("name", "field"), [("skip", "reason"), ("reassign", "assignee"), ("event", "name")])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_refuses_a_signal_without_what_its_type_needs(name: str, field: str, value: str | None) -> None:
    signal = Signal.model_validate({"type": name, **SIGNALS[name][0], field: value})
    with pytest.raises(Refused) as refused:
        signal_command(signal, "sig_1", CALLER)
    assert refused.value.rejection.code == Code.VALIDATION_ERROR
    assert refused.value.rejection.details["field"] == f"signal.{field}"
    assert refused.value.rejection.details["reason"] == f"A signal of type {name} needs {field}"


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        ({"type": "cancel", "step_id": "step_002"}, "signal.step_id"),
        ({"type": "resume", "pause_until": "2034-01-20T09:00:00Z"}, "signal.pause_until"),
        ({"type": "pause", "data": {"a": 1}}, "signal.data"),
        ({"type": "reassign", "assignee": "ann", "escalate_to": ["cfo"]}, "signal.escalate_to"),
    ],
)
def test_refuses_what_belongs_to_signals_of_other_types(signal: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        signal_command(Signal.model_validate(signal), "sig_1", CALLER)
    details = refused.value.rejection.details
    assert details["field"] == field
    assert f"A signal of type {signal['type']} has only " in details["reason"]


def test_takes_what_belongs_to_other_types_where_it_says_nothing() -> None:
    signal = Signal.model_validate({"type": "cancel", "step_id": None, "escalate_to": [], "data": {}})
    assert isinstance(signal_command(signal, "sig_1", CALLER), commands.CancelRun)


def test_refuses_fields_that_no_signal_has_and_says_which_is_meant() -> None:
    signal = Signal.model_validate({"type": "pause", "pause_untill": "2034-01-20T09:00:00Z", "colour": "red"})
    with pytest.raises(Refused) as refused:
        signal_command(signal, "sig_1", CALLER)
    errors = refused.value.rejection.details["errors"]
    assert [error["field"] for error in errors] == ["signal.pause_untill", "signal.colour"]
    assert "Is 'pause_until' meant?" in errors[0]["reason"] and "issued_by" in errors[1]["reason"]


def test_tells_all_that_is_wrong_with_a_signal_at_once() -> None:
    wrong = {"type": "skip", "reson": "x", "reason": " ", "assignee": "ann", "pause_until": "2034-01-20T09:00:00Z"}
    with pytest.raises(Refused) as refused:
        signal_command(Signal.model_validate(wrong), "sig_1", CALLER)
    told = [(error["field"], error["value"]) for error in refused.value.rejection.details["errors"]]
    assert told == [
        ("signal.reson", "x"), ("signal.reason", None), ("signal.assignee", "ann"),
        ("signal.pause_until", "2034-01-20T09:00:00Z"),
    ]  # fmt: skip


@pytest.mark.parametrize("sent", [None, "pause", [], {"type": []}, {"type": "dance"}, {}])
def test_says_nothing_of_what_it_can_not_tell_of_a_signal(sent: Any) -> None:
    assert signal_faults(sent) == []
