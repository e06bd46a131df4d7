"""Encrypted fields through the whole system: whatever way a value comes in, its clear text stands nowhere."""

import asyncio
import json
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pymongo
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts import topics
from deploy.local.waiting import until
from tests.e2e.clear_text import everything, found_in
from tests.e2e.office import Office, User
from tests.kafka import Log, client_options
from tests.receiving import endpoint
from tests.running_stack import RunningStack

SECONDS = 60.0
FOREIGN = {topics.SIGNALS.name, topics.WORKER_RESULTS.name}
"""What other systems write themselves."""
NAMES = ("ssn", "card", "iban", "secret", "member")
STEPS: tuple[dict[str, Any], ...] = (
    {
        "name": "Registration", "sequence": 1, "step_type": "form",
        "metadata": {"form_fields": [
            {"name": "ssn", "type": "text", "required": True, "validation": "^ssn-[a-z0-9]+$", "encrypted": True},
            *({"name": name, "type": "text", "encrypted": True} for name in ("card", "iban", "secret")),
            {"name": "name", "type": "text"},
            {"name": "amount", "type": "number"},
        ]},
    },
    {
        "name": "Insurance", "sequence": 2, "step_type": "automated",
        "metadata": {"required_outputs": [{"name": "member", "type": "text", "encrypted": True}]},
    },
    {"name": "See", "sequence": 3, "conditions": {"pre": [{"field": "ssn", "operator": "matches", "value": "^ssn"}]}},
    {"name": "End", "sequence": 4, "conditions": {"pre": [{"field": "ssn", "operator": "=", "value": "another"}]}},
)  # fmt: skip


@dataclass
class Words:
    """What was sent, each word once in the world."""

    secret: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def hidden(self, prefix: str) -> str:
        self.secret.append(f"{prefix}-{uuid.uuid4().hex}")
        return self.secret[-1]

    def shown(self) -> str:
        self.plain.append(f"plain-{uuid.uuid4().hex}")
        return self.plain[-1]


class Clinic:
    """A run of the intake, and all the ways to it."""

    def __init__(self, stack: RunningStack, office: Office, producer: AIOKafkaProducer) -> None:
        self.office, self.words, self._stack, self._producer = office, Words(), stack, producer
        self.clerk = office.user("clerk")
        self.run_id = ""

    def reader(self, *permissions: str, subject: str = "reader") -> User:
        token = self._stack.token(self.office.organization_id, subject=subject, permissions=permissions)
        return User(self.clerk.http, self.office.organization_id, {"Authorization": f"Bearer {token}"})

    async def started(self, **data: Any) -> None:
        playbook_id = await self.office.playbook(*STEPS)
        run = {"run": {"playbook_id": playbook_id, "initial_data": data}}
        self.run_id = (await self.clerk.data("POST", "/playbook-runs", run, Idempotency_Key=uuid.uuid4().hex))["run_id"]

    @property
    def path(self) -> str:
        return f"/playbook-runs/{self.run_id}"

    async def signals(self, **signal: Any) -> None:
        message = {"organization_id": self.office.organization_id, "run_id": self.run_id, "signal": signal}
        await self.writes(topics.SIGNALS.name, message)

    async def writes(self, topic: str, message: dict[str, Any], **more: Any) -> None:
        await self._producer.send_and_wait(topic, orjson.dumps(message), key=self.run_id.encode(), **more)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        async def there() -> bool:
            return wanted(await self.clerk.data("GET", self.path))

        await asyncio.wait_for(until(there), SECONDS)

    async def signals_all(self, **signal: Any) -> dict[str, Any]:
        """One signal to many runs, of which this one is all: its result."""
        asked = {"filter": {"run_ids": [self.run_id]}, "signal": signal}
        accepted = await self.clerk.data("POST", "/playbook-runs/bulk-signal", asked, Idempotency_Key=uuid.uuid4().hex)
        operation, results = f"/operations/{accepted['operation_id']}", list[dict[str, Any]]()

        async def is_over() -> bool:
            if (await self.clerk.data("GET", operation))["status"] != "succeeded":
                return False
            results.extend((await self.clerk.data("GET", f"{operation}/results"))["results"])
            return True

        await asyncio.wait_for(until(is_over), SECONDS)
        return results[0]

    async def job(self) -> dict[str, Any]:
        log = Log(self._stack.bootstrap_servers, topics.WORKER_JOBS.name)
        await log.open(from_beginning=True)
        jobs: list[dict[str, Any]] = []

        async def there() -> bool:
            mine = [record.value for record in await log.records() if record.key == self.run_id.encode()]
            jobs.extend(map(orjson.loads, mine))
            return bool(jobs)

        await asyncio.wait_for(until(there), SECONDS)
        await log.close()
        return jobs[0]

    async def heap(self) -> list[tuple[str, bytes]]:
        return await everything(self._stack)


@pytest_asyncio.fixture(loop_scope="session")
async def clinic(stack: RunningStack) -> AsyncIterator[Clinic]:
    producer = AIOKafkaProducer(**client_options(stack.bootstrap_servers))
    await producer.start()
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as http:
        yield Clinic(stack, Office(stack, http), producer)
    await producer.stop()


async def filled(clinic: Clinic) -> dict[str, str]:
    """Every way in is gone; gives what each field came to hold."""
    hidden, shown = clinic.words.hidden, clinic.words.shown
    held = {"card": hidden("card")}
    await clinic.started(card=held["card"], deep=[{"secret": hidden("deep")}], name=shown())
    await clinic.clerk.data("PATCH", clinic.path, {"run": {"data": {"iban": hidden("iban"), "name": shown()}}})
    event = {"type": "event", "name": "called", "data": {"secret": hidden("event"), "note": shown()}}
    await clinic.clerk.data("POST", f"{clinic.path}/signal", {"signal": event}, Idempotency_Key=uuid.uuid4().hex)
    await clinic.signals(type="event", name="called", data={"iban": (iban := hidden("kafka")), "told": shown()})
    await clinic.until(lambda run: "told" in run["data"])
    await clinic.signals(type="event", data={"secret": hidden("nameless")})
    await clinic.signals(type="event", name="called", data=hidden("shapeless"))
    bulk = {"type": "event", "name": "all", "data": {"secret": (secret := hidden("bulk")), "everybody": shown()}}
    chosen = {"filter": {"run_ids": [clinic.run_id]}, "signal": bulk}
    await clinic.clerk.data("POST", "/playbook-runs/bulk-signal", chosen, Idempotency_Key=uuid.uuid4().hex)
    await clinic.until(lambda run: "everybody" in run["data"])
    complete = f"{clinic.path}/steps/step_001/complete"
    wrong = await clinic.clerk.error("POST", complete, {"completion": {"data": {"ssn": hidden("WRONG")}}})
    assert (
        wrong["code"] == "CONTRACT_VALIDATION_FAILED" and wrong["details"]["contract_violation"]["actual_value"] is None
    )
    body = {"completion": {"data": {"ssn": hidden("ssn"), "name": shown()}}}
    key = uuid.uuid4().hex
    first, again = [await clinic.clerk.ask("POST", complete, body, Idempotency_Key=key) for _ in range(2)]
    assert (again.json(), again.headers["X-Idempotent-Replay"]) == (first.json(), "true")
    other = {"completion": {"data": {"ssn": hidden("ssn")}}}
    assert (await clinic.clerk.error("POST", complete, other, Idempotency_Key=key))["code"] == "IDEMPOTENCY_CONFLICT"
    ssn = body["completion"]["data"]["ssn"]
    return held | {"iban": iban, "secret": secret, "ssn": ssn, "member": await worked(clinic)}


async def worked(clinic: Clinic) -> str:
    """A worker is told nothing, and what it answers is encrypted."""
    job = await clinic.job()
    assert not set(NAMES) & set(job["data"])
    member = clinic.words.hidden("member")
    about = {name: job[name] for name in ("job_id", "run_id", "organization_id", "step_id")}
    malformed = {"outcome": clinic.words.hidden("malformed"), "step_id": "step_009"}  # of another step: it ends nothing
    await clinic.writes(topics.WORKER_RESULTS.name, about | malformed)
    data = {"member": member, "plan": clinic.words.shown()}
    await clinic.writes(topics.WORKER_RESULTS.name, {**about, "outcome": "success", "data": data})
    await clinic.until(lambda run: run["steps_status"][2]["status"] == "in_progress")
    return member


async def test_the_clear_text_stands_in_no_store_no_topic_and_no_log(clinic: Clinic) -> None:
    held = await filled(clinic)
    blocked = await clinic.clerk.data("POST", f"{clinic.path}/steps/step_003/complete", {"completion": {}})
    assert blocked["next_steps"][0]["waits_for"][0]["actual_value"] in (None, "********")
    reader = clinic.reader("run:read", "run:read_sensitive", "data:erase")
    seen = (await reader.data("GET", clinic.path))["data"]
    assert {name: seen[name] for name in NAMES} == held
    heap = await clinic.heap()
    places = {word: where - FOREIGN for word, where in found_in(heap, clinic.words.secret).items()}
    assert {word: where for word, where in places.items() if where} == {}
    visible = found_in(heap, clinic.words.plain)
    for word in clinic.words.plain:
        assert {"run.commands", "run.events", "_timeline.events"} <= visible[word], word
    assert "_run_engine.runs" in visible[clinic.words.plain[-1]]


def test_the_search_finds_a_word_in_each_of_its_forms() -> None:
    word = "secret-0123"
    for content in (
        word.encode(),
        word.encode().hex().encode(),
        *(b64encode(b"x" * n + word.encode()) for n in range(9)),
    ):
        assert found_in([("here", b"before " + content + b" after")], [word]) == {word: {"here"}}, content
    assert found_in([("here", b"secret-0124")], [word]) == {word: set()}


async def test_who_may_not_read_them_sees_masks_everywhere(clinic: Clinic) -> None:
    await filled(clinic)
    for user in (clinic.clerk, clinic.reader("run:read")):
        for path in ("", "/why", "/steps/step_001", "/timeline", "/evidence"):
            answer = await user.ask("GET", f"{clinic.path}{path}")
            assert answer.status_code == 200
            assert found_in([("answer", answer.content)], clinic.words.secret) == {
                w: set() for w in clinic.words.secret
            }
        assert (await user.data("GET", clinic.path))["data"]["ssn"] == "********"


async def test_lists_operations_and_figures_tell_none_of_them(clinic: Clinic) -> None:
    await filled(clinic)
    change = {"run": {"data": {"card": clinic.words.hidden("later")}}}
    accepted = await clinic.clerk.data("PATCH", clinic.path, change, Prefer="respond-async")
    operation = f"/operations/{accepted['operation_id']}"

    async def is_over() -> bool:
        return bool((await clinic.clerk.data("GET", operation))["status"] == "succeeded")

    await asyncio.wait_for(until(is_over), SECONDS)
    task = (await clinic.clerk.data("GET", "/tasks"))["tasks"][0]
    assert task["data"]["card"] == "********"
    playbook_id = (await clinic.clerk.data("GET", clinic.path))["playbook_id"]
    for user in (clinic.clerk, clinic.reader("run:read", "playbook:read")):
        for path in ("/tasks", "/playbook-runs", operation, f"/playbooks/{playbook_id}/metrics?period=30d"):
            answer = await user.ask("GET", path)
            if answer.status_code != 403:
                assert answer.status_code == 200, (path, answer.text)
                assert not any(found_in([("answer", answer.content)], clinic.words.secret).values()), path


def ciphertexts_in(value: Any) -> list[dict[str, Any]]:
    """Returns every encrypted value in it, at any depth."""
    if isinstance(value, dict):
        return [value] if "$encrypted" in value else [c for item in value.values() for c in ciphertexts_in(item)]
    return [c for item in value for c in ciphertexts_in(item)] if isinstance(value, list) else []


def ways_in(clinic: Clinic, playbook_id: str, stolen: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Returns every body by which a client can send an encrypted value back, by the path at which it stands there."""
    complete, signal = f"{clinic.path}/steps/step_001/complete", f"{clinic.path}/signal"
    event, ssn = {"type": "event", "name": "x"}, clinic.words.hidden("ssn")
    bulk = {"filter": {"run_ids": [clinic.run_id]}, "signal": {**event, "data": {"name": stolen}}}
    bodies: dict[str, tuple[str, str, dict[str, Any]]] = {
        "completion.data.amount": ("POST", complete, {"completion": {"data": {"ssn": ssn, "amount": stolen}}}),
        "completion.data.card": ("POST", complete, {"completion": {"data": {"ssn": ssn, "card": stolen}}}),
        "completion.attachments[0].more": (
            "POST", complete, {"completion": {"data": {"ssn": ssn}, "attachments": [{"name": "a", "more": stolen}]}}
        ),
        "run.data.deep[0].name": ("PATCH", clinic.path, {"run": {"data": {"deep": [{"name": stolen}]}}}),
        "run.metadata.name": ("PATCH", clinic.path, {"run": {"metadata": {"name": stolen}}}),
        "signal.data.amount": ("POST", signal, {"signal": {**event, "data": {"amount": stolen}}}),
        "signal.metadata.amount": ("POST", signal, {"signal": {**event, "metadata": {"amount": stolen}}}),
        "signal.data.name": ("POST", "/playbook-runs/bulk-signal", bulk),
    }  # fmt: skip
    for place in ("initial_data", "context", "metadata"):
        run = {"playbook_id": playbook_id, place: {"name": stolen}}
        bodies[f"run.{place}.name"] = ("POST", "/playbook-runs", {"run": run})
    return bodies


async def test_ciphertext_out_of_evidence_is_opened_under_no_other_name(clinic: Clinic) -> None:
    """Whoever may read a run and complete its steps gets at no encrypted value, and leaves none in clear anywhere."""
    await clinic.started(card=clinic.words.hidden("card"), deep=[{"secret": clinic.words.hidden("deep")}])
    playbook_id = await clinic.office.playbook(*STEPS)
    attacker = clinic.reader("run:read", "step:complete", "run:update", "run:create", subject="clerk")
    card, *_ = ciphertexts_in(await attacker.data("GET", f"{clinic.path}/evidence"))
    answers = []
    for field_path, (method, path, body) in ways_in(clinic, playbook_id, card).items():
        key = uuid.uuid4().hex
        for _ in range(2):
            answer = await attacker.ask(method, path, body, Idempotency_Key=key)
            answers.append(("answer", answer.content))
            error = answer.json().get("error", {})
            assert (answer.status_code, error.get("details", {}).get("field")) == (400, field_path), answer.text
    await clinic.signals(type="event", name="called", data={"amount": card})
    await clinic.signals(type="event", name="called", data={"told": clinic.words.shown()})
    await clinic.until(lambda run: "told" in run["data"])
    assert "amount" not in (await clinic.clerk.data("GET", clinic.path))["data"]
    await worked_with(clinic, card)
    reads = [f"{clinic.path}{path}" for path in ("", "/why", "/steps/step_001", "/steps/step_002", "/timeline")]
    answers += [("answer", (await attacker.ask("GET", path)).content) for path in (*reads, "/tasks")]
    assert not any(b"$encrypted" in content for _, content in answers)
    assert not any(found_in(answers, clinic.words.secret).values())
    places = found_in(await clinic.heap(), clinic.words.secret)
    assert {word: where - FOREIGN for word, where in places.items() if where - FOREIGN} == {}


async def worked_with(clinic: Clinic, stolen: dict[str, Any]) -> None:
    """A machine that answers with an encrypted value has failed, and says so without it."""
    await clinic.clerk.data(
        "POST", f"{clinic.path}/steps/step_001/complete", {"completion": {"data": {"ssn": clinic.words.hidden("ssn")}}}
    )
    job = await clinic.job()
    about = {name: job[name] for name in ("job_id", "run_id", "organization_id", "step_id")}
    data = {"member": clinic.words.hidden("member"), "plan": stolen}
    await clinic.writes(topics.WORKER_RESULTS.name, {**about, "outcome": "success", "data": data})

    async def attempt_has_failed() -> bool:
        timeline = await clinic.clerk.data("GET", f"{clinic.path}/timeline?include_system_events=true")
        return "automation_attempt_failed" in {entry["event_type"] for entry in timeline["timeline"]}

    await asyncio.wait_for(until(attempt_has_failed), SECONDS)


async def test_webhooks_tell_none_of_them(clinic: Clinic) -> None:
    async with endpoint() as taken:
        manager = clinic.reader("webhook:manage", "webhook:read", "run:read", "data:erase")
        kinds = ["run_created", "data_updated", "step_completed", "automation_requested", "encrypted_data_erased"]
        webhook = {"url": taken.url("/told"), "event_types": kinds}
        await manager.data("POST", "/webhooks", {"webhook": webhook})
        await filled(clinic)
        await manager.data("DELETE", f"{clinic.path}/encrypted-data")

        async def all_kinds_came() -> bool:
            return set(kinds) <= {json.loads(request.body)["type"] for request in taken.at("/told")}

        await asyncio.wait_for(until(all_kinds_came), SECONDS)
        heap = [("told", request.body.encode() + str(request.headers).encode()) for request in taken.at("/told")]
        assert not any(found_in(heap, clinic.words.secret).values())


async def test_evidence_masks_them_for_everybody_as_no_erasure_reaches_what_was_exported(clinic: Clinic) -> None:
    await filled(clinic)
    reader = clinic.reader("run:read", "run:read_sensitive")
    assert (await reader.data("GET", clinic.path))["data"]["ssn"] in clinic.words.secret
    evidence = await reader.data("GET", f"{clinic.path}/evidence")
    assert evidence["run"]["data"]["ssn"] == "********"
    assert not any(found_in([("evidence", orjson.dumps(evidence))], clinic.words.secret).values())


async def test_what_is_done_to_keys_under_one_idempotency_key_is_done_once(clinic: Clinic) -> None:
    await clinic.started(card=clinic.words.hidden("card"))
    user = clinic.reader("run:read", "run:read_sensitive", "run:update", "data:erase", "key:rotate")
    for method, path, body in (
        ("POST", "/organization/encryption-keys", {}),
        ("DELETE", "/organization/encrypted-data", None),
    ):
        first = await user.data(method, path, body, Idempotency_Key="once")
        later = {"run": {"data": {"card": clinic.words.hidden("later")}}}
        await user.data("PATCH", clinic.path, later)
        again = await user.ask(method, path, body, Idempotency_Key="once")
        assert (again.json()["data"], again.headers["X-Idempotent-Replay"]) == (first, "true")
        assert (await user.data("GET", clinic.path))["data"]["card"] == later["run"]["data"]["card"]


async def test_what_was_erased_is_lost_and_the_history_holds(clinic: Clinic) -> None:
    await filled(clinic)
    user = clinic.reader("run:read", "run:read_sensitive", "data:erase", "run:update")
    erased = await user.data("DELETE", f"{clinic.path}/encrypted-data")
    assert erased["erased_fields"] == sorted(NAMES)
    for reader in (user, clinic.clerk):
        data = (await reader.data("GET", clinic.path))["data"]
        assert {data[name] for name in NAMES} == {"[erased]"}
    entry = (await user.data("GET", f"{clinic.path}/timeline"))["timeline"][-1]
    assert (entry["event_type"], entry["actor"]) == ("encrypted_data_erased", "reader")
    assert (await user.data("GET", f"{clinic.path}/timeline/verification"))["status"] == "verified"
    await user.data("PATCH", clinic.path, {"run": {"data": {"card": "new"}}})
    data = (await user.data("GET", clinic.path))["data"]
    assert (data["card"], data["ssn"]) == ("new", "[erased]")


async def test_what_is_encrypted_in_data_is_refused_where_it_would_stay_clear(clinic: Clinic) -> None:
    secret, clerk = clinic.words.hidden("beside"), clinic.clerk
    playbook_id = await clinic.office.playbook(*STEPS)
    for place in ("context", "metadata"):
        run = {"run": {"playbook_id": playbook_id, place: {"deep": [{"ssn": secret}]}}}
        refused = await clerk.error("POST", "/playbook-runs", run)
        assert (refused["status"], refused["details"]["field"]) == (400, f"run.{place}.ssn")
        assert secret not in str(refused)
    await clinic.started()
    for method, path, body, where in (
        ("PATCH", clinic.path, {"run": {"metadata": {"card": secret}}}, "run.metadata.card"),
        ("POST", f"{clinic.path}/signal", {"signal": {"type": "pause", "metadata": {"ssn": secret}}},
         "signal.metadata.ssn"),
        ("POST", f"{clinic.path}/steps/step_001/complete",
         {"completion": {"data": {}, "attachments": [{"name": "a.pdf"}, {"name": "b.pdf", "more": {"ssn": secret}}]}},
         "completion.attachments[1].ssn"),
    ):  # fmt: skip
        refused = await clerk.error(method, path, body)
        assert (refused["status"], refused["details"]["field"]) == (400, where)
    await clinic.signals(type="pause", metadata={"ssn": secret})
    await clinic.signals(type="event", name="called", data={"told": clinic.words.shown()})
    await clinic.until(lambda run: "told" in run["data"])
    refused_by_run = await clinic.signals_all(type="pause", metadata={"deep": [{"ssn": secret}]})
    assert refused_by_run["error"]["details"]["field"] == "signal.metadata.ssn"
    assert secret not in str(refused_by_run)
    assert (await clerk.data("GET", clinic.path))["status"] == "active"
    places = found_in(await clinic.heap(), [secret])[secret]
    assert places - FOREIGN == set()


async def test_the_metadata_of_a_signal_to_many_runs_reaches_them_as_it_was_sent(clinic: Clinic) -> None:
    await clinic.started()
    metadata = {"cancellation_category": "customer_request", "deep": {"list": [1, None, "x"]}}
    assert (await clinic.signals_all(type="cancel", reason="x", metadata=metadata))["status"] == "succeeded"
    events = (await clinic.clerk.data("GET", f"{clinic.path}/evidence"))["events"]
    assert events[-1]["data"]["signal"]["metadata"] == metadata


async def test_what_is_sent_again_after_an_erasure_is_not_done_and_told_why(clinic: Clinic) -> None:
    await clinic.started()
    user = clinic.reader("run:read", "run:read_sensitive", "data:erase", "run:update")
    change = {"run": {"data": {"card": clinic.words.hidden("card")}}}
    await user.data("PATCH", clinic.path, change, Idempotency_Key="once")
    await user.data("DELETE", f"{clinic.path}/encrypted-data")
    again = await user.error("PATCH", clinic.path, change, Idempotency_Key="once")
    assert (again["status"], again["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert "has been erased" in again["message"]
    assert (await user.data("GET", clinic.path))["data"]["card"] == "[erased]"
    other = await user.error("PATCH", clinic.path, {"run": {"data": {"name": "x"}}}, Idempotency_Key="once")
    assert "another body" in other["message"]


async def test_an_organisations_erasure_is_told_in_each_run(clinic: Clinic) -> None:
    await clinic.started(card=clinic.words.hidden("card"))
    user = clinic.reader("run:read", "run:read_sensitive", "data:erase")
    assert (await user.data("DELETE", "/organization/encrypted-data"))["keys_destroyed"] == 1
    assert (await user.data("GET", clinic.path))["data"]["card"] == "[erased]"

    async def told() -> bool:
        timeline = (await user.data("GET", f"{clinic.path}/timeline"))["timeline"]
        return bool(timeline[-1]["event_type"] == "encrypted_data_erased")

    await asyncio.wait_for(until(told), SECONDS)


async def test_without_its_key_a_run_has_an_incident_and_others_go_on(clinic: Clinic, stack: RunningStack) -> None:
    await clinic.started(card=clinic.words.hidden("card"))
    broken, complete = clinic.path, {"completion": {"data": {"ssn": "ssn-1"}}}
    with pymongo.MongoClient[dict[str, Any]](stack.mongodb_uri) as client:
        client[f"{stack.database_prefix}_run_engine"]["keys"].delete_many({"run_id": clinic.run_id})
    refused = await clinic.clerk.error("POST", f"{broken}/steps/step_001/complete", complete)
    assert (refused["status"], refused["code"]) == (500, "INTERNAL_ERROR")
    reader = clinic.reader("run:read", "run:read_sensitive")
    run = await reader.data("GET", broken)
    assert run["data"]["card"] == "[unreadable]"
    assert "The encrypted value of card can't be opened: there is no key" in run["incident"]["error"]
    await clinic.started()
    await clinic.clerk.data("POST", f"{clinic.path}/steps/step_001/complete", complete)


@pytest.mark.parametrize("value", ["********", "ssn-123"])
async def test_a_value_is_taken_and_its_mask_is_not(clinic: Clinic, value: str) -> None:
    await clinic.started()
    answer = await clinic.clerk.ask("PATCH", clinic.path, {"run": {"data": {"ssn": value}}})
    assert answer.status_code == (400 if value == "********" else 200)
    if answer.status_code == 400:
        assert answer.json()["error"]["details"]["field"] == "run.data.ssn"
