"""Reading never raises: what is no message says why. Writing gives the same bytes for the same message."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.commands import CompleteStep
from contracts.envelope import ReplyAddress
from contracts.events import StepSkipped
from contracts.values import Actor, Caller
from shared.messages import (
    MAX_MESSAGE_BYTES,
    Message,
    OutgoingMessage,
    Unreadable,
    command_message,
    event_message,
    hash_of,
    read,
    read_envelope,
)

NOON = datetime(2024, 1, 15, 12, 0, 0, 123_456, tzinfo=UTC)


@dataclass
class ReadRecord:
    value: bytes | None
    topic: str = topics.RUN_COMMANDS.name
    key: bytes | None = b"run_1"
    partition: int = 3
    offset: int = 42
    timestamp: int = 0


def completion(**changes: Any) -> dict[str, Any]:
    """A command's envelope as JSON, with some of it changed."""
    return {**orjson.loads(completion_message().value), **changes}


def completion_message() -> OutgoingMessage:
    command = CompleteStep(caller=Caller(id="user_1", roles=("nurse",)), step_id="step_001", data={"note": "ok"})
    return command_message(
        topics.RUN_COMMANDS.name,
        "run_1",
        command,
        message_id="cmd_1",
        organization_id="org_1",
        correlation_id="req_1",
        time=NOON,
        deadline=NOON,
        reply_to=ReplyAddress(topic="gateway.replies", partition=2),
        fingerprint="f",
    )


def reason_of(document: Any, topic: str = topics.RUN_COMMANDS.name) -> str:
    found = read(ReadRecord(orjson.dumps(document), topic))
    assert isinstance(found, Unreadable)
    return found.reason


def test_reads_the_command_that_was_written() -> None:
    found = read(ReadRecord(completion_message().value))
    assert isinstance(found, Message)
    assert (found.partition, found.offset) == (3, 42)
    assert isinstance(found.payload, CompleteStep)
    assert found.payload.caller.roles == ("nurse",)
    assert found.envelope.reply_to == ReplyAddress(topic="gateway.replies", partition=2)
    assert found.envelope.time == NOON.replace(microsecond=123_000)


def test_ignores_fields_of_newer_writers() -> None:
    assert isinstance(read(ReadRecord(orjson.dumps(completion(invented_later=1)))), Message)


@pytest.mark.parametrize("value", [None, b""])
def test_says_that_the_value_is_empty(value: bytes | None) -> None:
    found = read(ReadRecord(value))
    assert isinstance(found, Unreadable)
    assert found.reason == "the value is empty"


def test_says_that_the_value_is_too_large() -> None:
    found = read(ReadRecord(b" " * (MAX_MESSAGE_BYTES + 1)))
    assert isinstance(found, Unreadable)
    assert "more than" in found.reason


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (completion(type="LaunchRocket"), "unknown message type 'LaunchRocket'"),
        (completion(version=2), "newer than this service knows"),
        (completion(version=0), "not a valid envelope: version"),
        (completion(data={}), "not a valid CompleteStep"),
        (completion(organization_id=""), "not a valid envelope: organization_id"),
        (completion(time="2024-01-15T12:00:00"), "a time needs a zone"),
        (completion(time="0001-01-01T00:00:00+23:59"), "a time must lie between the years 1 and 9999"),
        (completion(time="9999-12-31T23:59:59-00:01"), "a time must lie between the years 1 and 9999"),
        ([], "not a valid envelope"),
        ("text", "not a valid envelope"),
        (None, "not a valid envelope"),
    ],
)
def test_says_why_a_document_is_no_message(document: Any, reason: str) -> None:
    assert reason in reason_of(document)


def test_refuses_a_message_on_a_topic_where_it_does_not_belong() -> None:
    assert "belongs on run.commands" in reason_of(completion(), topics.RUN_EVENTS.name)


@given(st.binary(max_size=300))
def test_never_raises_for_any_bytes(value: bytes) -> None:
    assert isinstance(read(ReadRecord(value)), Unreadable)
    assert isinstance(read_envelope(ReadRecord(value)), Unreadable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(completion())), JSON)
def test_never_raises_for_an_envelope_with_any_field_changed(field: str, value: Any) -> None:
    try:
        document = orjson.dumps(completion(**{field: value}))
    except (TypeError, ValueError):  # an integer beyond 64 bits, a lone surrogate: no JSON of orjson's
        return
    assert isinstance(read(ReadRecord(document)), Message | Unreadable)


def skipped_message(sequence: int, previous: str | None) -> tuple[OutgoingMessage, str]:
    event = StepSkipped(
        at=NOON, actor=Actor(id="u"), step_id="step_001", sequence=1, step_name="S", reason="not needed"
    )
    return event_message(
        topics.RUN_EVENTS.name,
        "run_1",
        event,
        sequence=sequence,
        previous_hash=previous,
        organization_id="org_1",
        correlation_id="req_1",
        causation_id="cmd_1",
        time=NOON,
    )


def test_an_event_is_chained_to_the_one_before() -> None:
    first, first_hash = skipped_message(1, None)
    second, second_hash = skipped_message(2, first_hash)
    document = orjson.loads(second.value)
    assert document["previous_hash"] == first_hash
    assert document["hash"] == second_hash == hash_of(document)
    assert orjson.loads(first.value)["id"] == "run_1:1"


def test_a_changed_event_has_another_hash() -> None:
    message, digest = skipped_message(1, None)
    document = orjson.loads(message.value)
    document["data"]["reason"] = "needed after all"
    assert hash_of(document) != digest


def test_the_same_event_gives_the_same_bytes() -> None:
    assert skipped_message(7, "h") == skipped_message(7, "h")
