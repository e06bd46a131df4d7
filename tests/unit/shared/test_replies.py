"""Who is answered: whoever may still wait, whatever the clocks of the two machines say."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.commands import FireTimer
from contracts.envelope import Envelope, ReplyAddress
from contracts.replies import Reply
from contracts.topics import GATEWAY_REPLIES
from contracts.values import SYSTEM_CALLER
from shared.messages import Message
from shared.replies import reply_message

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)


def answered(deadline: datetime | None, topic: str = GATEWAY_REPLIES.name) -> bool:
    envelope = Envelope(
        id="cmd_1", type="FireTimer", version=1, organization_id="org_1", key="run_1", time=NOW,
        correlation_id="req_1", deadline=deadline, reply_to=ReplyAddress(topic=topic, partition=0), data={},
    )  # fmt: skip
    command = FireTimer(caller=SYSTEM_CALLER, timer_id="timer_1")
    message = Message(envelope, command, partition=0, offset=0)
    return reply_message(message, Reply(result={}), NOW) is not None


@pytest.mark.parametrize("behind_seconds", [-10, 0, 30, 59])
def test_a_deadline_that_has_passed_by_another_machine_s_clock_is_no_reason_for_silence(behind_seconds: int) -> None:
    assert answered(NOW - timedelta(seconds=behind_seconds))


def test_whoever_has_given_up_long_ago_is_not_answered() -> None:
    assert not answered(NOW - timedelta(minutes=2))


def test_no_answer_goes_to_another_topic() -> None:
    assert answered(None)
    assert not answered(None, topic="run.commands")
