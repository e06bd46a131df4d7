"""Which messages are newer than this service, and what of that a topic's reader remembers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from unittest.mock import Mock

import orjson
import pytest

from contracts import registry, topics
from contracts.commands import PauseRun
from contracts.jobs import WorkerResult
from contracts.signals import SignalMessage
from contracts.topics import RUN_COMMANDS, SIGNALS
from contracts.values import Caller
from shared.kafka.newer import RETRY_SECONDS, NewerMessages, newer_reason
from shared.messages import Message, Unreadable, command_message, event_message, hash_of, read

PAUSE = PauseRun(signal_id="sig_1", caller=Caller(id="somebody", permissions=("*",)))


@dataclass
class ReadRecord:
    value: bytes | None
    offset: int = 7
    partition: int = 1
    key: bytes | None = b"run_1"
    topic: str = RUN_COMMANDS.name
    timestamp: int = 0


def written() -> bytes:
    return command_message(
        RUN_COMMANDS.name, "run_1", PAUSE, message_id="cmd_1", organization_id="org_1", correlation_id="req",
        time=datetime.now(UTC),
    ).value  # fmt: skip


def with_fields(**fields: int) -> ReadRecord:
    return ReadRecord(orjson.dumps({**orjson.loads(written()), **fields}))


def test_a_message_of_this_version_is_not_newer() -> None:
    assert newer_reason(ReadRecord(written())) is None


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'{"id":"a","type":"PauseRun","version":2,"x":'])
def test_what_is_no_message_is_not_newer(value: bytes | None) -> None:
    assert newer_reason(ReadRecord(value)) is None


def test_a_newer_version_is_told_with_the_version_that_is_known() -> None:
    reason = newer_reason(with_fields(version=2))
    assert reason == "PauseRun has version 2, and this service knows version 1 and older: upgrade this service"


def test_a_newer_format_is_told_though_the_type_is_known() -> None:
    reason = newer_reason(with_fields(format=2))
    assert reason is not None
    assert "format 2 of run.commands, and this service knows format 1" in reason


def test_a_type_of_a_newer_format_is_newer_and_one_of_a_known_format_is_no_message() -> None:
    """A new type has its topic's next format; without one it is something that does not belong there."""
    unknown = {**orjson.loads(written()), "type": "MergeRuns"}
    assert newer_reason(ReadRecord(orjson.dumps({**unknown, "format": 2}))) is not None
    assert newer_reason(ReadRecord(orjson.dumps(unknown))) is None
    assert isinstance(read(ReadRecord(orjson.dumps(unknown))), Unreadable)


def test_the_order_of_fields_and_white_space_change_nothing() -> None:
    document = {**orjson.loads(written()), "version": 2}
    value = orjson.dumps(dict(reversed(document.items())), option=orjson.OPT_INDENT_2)
    assert newer_reason(ReadRecord(value)) is not None


def test_a_message_without_a_version_is_of_version_1() -> None:
    document = orjson.loads(written())
    del document["version"]
    message = read(ReadRecord(orjson.dumps(document)))
    assert isinstance(message, Message)
    assert (message.envelope.version, message.envelope.format) == (1, 1)


def test_a_type_that_appeared_later_says_its_format_and_events_hash_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert b'"format"' not in written()
    monkeypatch.setattr(PauseRun, "FORMAT", 3, raising=False)
    assert orjson.loads(written())["format"] == registry.topic_format(RUN_COMMANDS.name) == 3
    assert newer_reason(ReadRecord(written())) is None
    event, _ = event_message(
        topics.RUN_EVENTS.name, "run_1", PAUSE, sequence=1, previous_hash=None, organization_id="org_1",
        correlation_id="req", causation_id="cmd_1", time=datetime.now(UTC),
    )  # fmt: skip
    document = orjson.loads(event.value)
    assert document["format"] == 3
    assert document["hash"] == hash_of(document) != hash_of({**document, "format": 4})


def test_a_reader_stops_before_the_first_newer_message_and_never_on_a_public_topic() -> None:
    records = [ReadRecord(written()), with_fields(version=2), ReadRecord(written())]
    assert NewerMessages(RUN_COMMANDS).readable(records) == 1
    assert NewerMessages(SIGNALS).readable(records) == len(records)


def test_a_wait_lasts_until_the_partition_goes_on_or_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Mock()
    monkeypatch.setattr("shared.kafka.newer.log", log)
    newer = NewerMessages(RUN_COMMANDS)
    newer.wait(with_fields(version=2), now=10.0)
    assert newer.due(10.0) == []
    assert newer.due(10.0 + RETRY_SECONDS) == [1]
    newer.wait(with_fields(version=2), now=16.0)
    assert log.error.call_count == 1  # it is told once, however often it is read again
    assert newer.seconds(20.0) == {1: 10.0}
    assert newer.due(20.0) == []
    newer.keep({1: 7})
    assert "offset 7: PauseRun has version 2" in newer.reasons()[1]
    newer.keep({1: 8})
    assert newer.reasons() == {}


def test_public_messages_say_which_version_is_expected() -> None:
    told = "schema_version"
    for contract, body in (
        (SignalMessage, {"organization_id": "o", "run_id": "r", "signal": {"type": "pause"}}),
        (WorkerResult, {"job_id": "j", "run_id": "r", "organization_id": "o", "step_id": "s", "outcome": "success"}),
    ):
        assert contract.model_validate(body).schema_version == 1
        with pytest.raises(ValueError, match=f"(?s){told}.*must be 1 or lower.*{contract.__name__}.*upgrade"):
            contract.model_validate({**body, told: 2})
