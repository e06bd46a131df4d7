"""What an endpoint's answer means."""

import pytest

from services.automation.domain.answers import Outcome, judge, too_large


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
