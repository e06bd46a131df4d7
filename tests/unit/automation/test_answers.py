"""What an endpoint's answer means."""

from datetime import UTC, datetime, timedelta

import pytest

from services.automation.domain.answers import Outcome, circuit_open, judge, too_large, unanswered

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def test_a_json_object_becomes_the_steps_data() -> None:
    assert judge(201, {"contract_id": "c_1"}, "") == Outcome("success", data={"contract_id": "c_1"})


@pytest.mark.parametrize("document", [None, [1, 2], "done", 7, True])
def test_a_success_without_a_json_object_has_no_data(document: object) -> None:
    assert judge(204, document, "") == Outcome("success", data={})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_overload_and_faults_are_worth_another_attempt(status: int) -> None:
    assert judge(status, None, "").retryable


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 409, 422])
def test_other_answers_are_not_worth_another_attempt(status: int) -> None:
    outcome = judge(status, {"a": 1}, "")
    assert (outcome.outcome, outcome.retryable, outcome.data) == ("failure", False, {})


def test_the_error_quotes_the_beginning_of_the_answer_on_one_line() -> None:
    assert judge(422, None, "amount\n  is missing").error == "the endpoint answered 422: amount is missing"
    assert len(judge(500, None, "x" * 5000).error or "") < 400


def test_a_success_that_is_too_large_is_no_success() -> None:
    assert (too_large(200, 10).outcome, too_large(200, 10).retryable) == ("failure", False)
    assert too_large(503, 10).retryable


def test_only_an_answer_that_is_worth_another_attempt_may_ask_for_a_pause() -> None:
    assert judge(503, None, "", 60).retry_after_seconds == 60
    assert judge(429, None, "", 60).retry_after_seconds == 60
    assert judge(404, None, "", 60).retry_after_seconds is None


def test_silence_and_faults_are_the_hosts_and_refusals_are_not() -> None:
    assert unanswered("silent").host_failed
    assert judge(500, None, "").host_failed
    assert not any(judge(status, None, "").host_failed for status in (200, 302, 404, 429))


def test_an_open_circuit_says_until_when_and_how_long_was_waited() -> None:
    outcome = circuit_open(NOON + timedelta(seconds=20), NOON - timedelta(minutes=5), NOON)
    assert outcome.error is not None
    assert outcome.error.startswith("circuit open until 2024-01-15T12:00:20+00:00: ")
    assert outcome.error.endswith("for 300 s")
    assert (outcome.retryable, outcome.retry_after_seconds, outcome.host_failed) == (True, 20, False)
