"""What machines see of encrypted fields, and what of their answers goes on; the run engine is an HTTP server here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts.jobs import AutomationJob
from services.automation.attempts import Attempts
from services.automation.calls import Caller, CallLimits
from services.automation.domain.answers import Outcome
from services.automation.domain.credentials import Credential
from services.automation.results import worker_message
from services.automation.sealing import NOT_KEPT, Sealing, SealingFault, of_endpoint, of_worker
from services.automation.store import StoredJob
from shared.clock import now
from tests.infrastructure import TOKEN
from tests.integration.automation.conftest import Bench, Endpoint, http
from tests.integration.automation.instances import NothingRead, store_of

CLOSED = {"$encrypted": "aes-256-gcm", "key_id": "k", "nonce": "bm9uY2U=", "ciphertext": "dGV4dA=="}
OPENED, SEALED = (f"/internal/runs/run_1/{what}?organization_id=org_1" for what in ("opened", "sealed"))
OPENED += "&accessed_by=automation&accessed_by_type=service&operation=automated_call"


def job(**config: Any) -> AutomationJob:
    data = {"ssn": CLOSED, "card": CLOSED, "deep": [{"ssn": CLOSED}], "name": "Ann"}
    return AutomationJob(
        job_id="job_1", run_id="run_1", organization_id="org_1", step_id="step_001", step_name="Check",
        attempt_number=1, idempotency_key="key", api_endpoint="/check", timeout_seconds=5, config=config, data=data,
        created_at=now(), encrypted_fields=["card", "ssn"],
    )  # fmt: skip


def answered(data: dict[str, Any]) -> bytes:
    return http(200, orjson.dumps({"success": True, "data": {"data": data}}))


@dataclass
class Setting:
    engine: Endpoint
    sealing: Sealing

    def asked(self) -> list[dict[str, Any]]:
        return [body for _, body in self.engine.requests]


@pytest_asyncio.fixture(loop_scope="session")
async def setting() -> AsyncIterator[Setting]:
    engine = Endpoint()
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
    sealing = Sealing(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", TOKEN)
    yield Setting(engine, sealing)
    await sealing.close()
    server.close()


async def test_an_endpoint_is_sent_nothing_that_is_encrypted(setting: Setting) -> None:
    sent = await setting.sealing.for_endpoint(job())
    assert sent.data == {"deep": [{}], "name": "Ann"}
    assert setting.asked() == []


async def test_an_endpoint_is_sent_the_fields_that_its_step_names(setting: Setting) -> None:
    opened = {**job().data, "ssn": "123-45-6789", "deep": [{"ssn": "123"}]}
    setting.engine.answers[OPENED] = lambda: answered(opened)
    sent = await setting.sealing.for_endpoint(job(sensitive_fields=["ssn", "unknown"]))
    assert sent.data == {"ssn": "123-45-6789", "deep": [{"ssn": "123"}], "name": "Ann"}
    assert setting.asked() == [{"data": job().data, "fields": ["ssn"], "step_id": "step_001"}]


def test_a_worker_is_sent_nothing_that_is_encrypted_whatever_the_step_names() -> None:
    message = worker_message(StoredJob(job(sensitive_fields=["ssn"]), "worker", "req_1", "cause_1", None))
    assert orjson.loads(message.value)["data"] == {"deep": [{}], "name": "Ann"}


async def test_a_result_is_sealed_before_it_goes_on(setting: Setting) -> None:
    setting.engine.answers[SEALED] = lambda: answered({"ssn": CLOSED, "ok": True})
    data = {"ssn": "123-45-6789", "ok": True}
    assert await setting.sealing.sealed("run_1", "org_1", data, ["ssn"]) == {"ssn": CLOSED, "ok": True}
    assert setting.asked() == [{"data": data, "fields": ["ssn"]}]


@pytest.mark.parametrize(("data", "fields"), [({"ok": True}, ["ssn"]), ({"ssn": None}, ["ssn"]), ({"ssn": "1"}, [])])
async def test_a_result_without_such_values_asks_nobody(
    setting: Setting, data: dict[str, Any], fields: list[str]
) -> None:
    assert await setting.sealing.sealed("run_1", "org_1", data, fields) is data
    assert setting.asked() == []


async def test_waits_for_an_engine_that_is_away_or_does_not_know_this_service(setting: Setting) -> None:
    answers = iter([http(503, b"{}"), http(500, b"{}"), http(401, b"{}"), answered({"ssn": CLOSED})])
    setting.engine.answers[SEALED] = lambda: next(answers)
    assert await setting.sealing.sealed("run_1", "org_1", {"ssn": "1"}, ["ssn"]) == {"ssn": CLOSED}


async def test_a_refusal_is_told_without_the_value(setting: Setting) -> None:
    setting.engine.answers[SEALED] = lambda: http(400, b'{"success": false}')
    with pytest.raises(SealingFault) as fault:
        await setting.sealing.sealed("run_1", "org_1", {"ssn": "********"}, ["ssn"])
    assert "does not take the value" in str(fault.value)


async def test_says_that_there_is_no_engine_to_ask() -> None:
    sealing = Sealing(None, TOKEN)
    with pytest.raises(SealingFault, match="no RUN_ENGINE_URL"):
        await sealing.sealed("run_1", "org_1", {"ssn": "1"}, ["ssn"])
    await sealing.close()


def test_what_machines_say_of_a_failure_is_cut_where_it_might_hold_a_value() -> None:
    error = "the endpoint answered 422: no patient 123-45-6789"
    assert of_endpoint(error, ["ssn"]) == "the endpoint answered 422"
    assert of_worker("123-45-6789 is unknown", ["ssn"]) == NOT_KEPT
    for told in (of_endpoint, of_worker):
        assert (told(error, []), told(None, ["ssn"])) == (error, None)


async def test_a_surprise_is_told_without_its_words(
    bench: Bench, setting: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "no patient 123-45-6789"

    class Surprised(Caller):
        async def call(self, stored: StoredJob, credential: Credential | None = None) -> Outcome:
            raise KeyError(words)

    caller = Surprised(CallLimits({}, {}, {}, 2048), 1)
    attempts = Attempts(
        bench.settings, store_of(bench, "surprises"), bench.publisher, caller, setting.sealing, NothingRead()
    )
    failing = job().model_copy(update={"encrypted_fields": ["ssn"]})
    outcome = await attempts._outcome(StoredJob(failing, "http", "req_1", "cause_1", None), trial=False)
    logged = capsys.readouterr().out
    assert outcome is not None and "KeyError" in logged and "raise KeyError(words)" in logged
    assert "123-45-6789" not in repr(outcome) + logged
