"""What the engine is told of attempts."""

from dataclasses import replace

import orjson

from contracts.jobs import WorkerResult
from services.automation.results import result_message, spoilt_message
from services.automation.store import KnownJob
from services.automation.worker_answers import SpoiltAnswer, read_answer
from tests.unit.automation.records import Read

KNOWN = KnownJob("run_1", "org_1", "step_001", "worker", False, "req_1", "cause_1", None)
FAILED = WorkerResult(job_id="job_1", run_id="run_1", organization_id="org_1", step_id="step_001", outcome="failure")


def told(result: WorkerResult, known: KnownJob = KNOWN) -> tuple[str, str]:
    command = orjson.loads(result_message(result, known).value)["data"]
    return command["error"], command["worker"]


def test_the_words_of_a_worker_are_kept_up_to_two_thousand_characters() -> None:
    assert told(FAILED.model_copy(update={"error": "é" * 2000, "worker": "w" * 200})) == ("é" * 2000, "w" * 200)
    too_many = FAILED.model_copy(update={"error": "é" * 2001, "worker": "w" * 201})
    assert told(too_many) == ("é" * 2000 + " …", "w" * 200 + " …")


def test_the_words_of_a_worker_are_not_kept_where_fields_are_encrypted() -> None:
    error, _ = told(FAILED.model_copy(update={"error": "123-45-6789"}), replace(KNOWN, encrypted_fields=("ssn",)))
    assert "123-45-6789" not in error


def test_what_is_wrong_with_an_answer_is_not_told_where_fields_are_encrypted() -> None:
    """The name of a field may hold a value."""
    said = FAILED.model_dump() | {"data": {"123-45-6789": 2**63}}
    spoilt = read_answer(Read(orjson.dumps(said), b"run_1"), 10_000)
    assert isinstance(spoilt, SpoiltAnswer) and "123-45-6789" in spoilt.why
    secret = orjson.loads(spoilt_message(spoilt, replace(KNOWN, encrypted_fields=("ssn",))).value)["data"]
    assert (secret["error"], secret["retryable"]) == ("The worker's answer is not valid: see the parked record", False)
    assert "123-45-6789" in orjson.loads(spoilt_message(spoilt, KNOWN).value)["data"]["error"]
