"""Malformed and hostile records on every topic that is read: each is set aside, and work goes on behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts import topics
from contracts.topics import Topic
from deploy.local.waiting import until
from shared.ids import new_id
from tests.e2e import hostile
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.hostile import NOWHERE, ODD_HEADERS, SHAPELESS, Bad, Intruder, enveloped, misshapen, update
from tests.kafka import Log
from tests.running_stack import RunningStack

SECONDS = 60.0
GOOD: dict[Topic, Callable[[str], bytes]] = {
    topics.RUN_COMMANDS: lambda key: enveloped(topics.RUN_COMMANDS, key, update(x=1)),
    topics.RUN_EVENTS: hostile.event_of_nobody,
    topics.REGISTRY_COMMANDS: lambda key: enveloped(topics.REGISTRY_COMMANDS, key, hostile.creation(key)),
    topics.PLAYBOOK_EVENTS: lambda key: enveloped(topics.PLAYBOOK_EVENTS, key, hostile.registration(key)),
    topics.NOTIFIER_COMMANDS: lambda key: enveloped(topics.NOTIFIER_COMMANDS, key, hostile.subscription(key)),
    topics.AUTOMATION_JOBS: lambda key: enveloped(topics.AUTOMATION_JOBS, key, hostile.job(key)),
}
READERS = [
    (topics.RUN_COMMANDS, "run_engine"),
    (topics.RUN_EVENTS, "timeline"),
    (topics.RUN_EVENTS, "analytics"),
    (topics.REGISTRY_COMMANDS, "playbook_registry"),
    (topics.PLAYBOOK_EVENTS, "analytics"),
    (topics.NOTIFIER_COMMANDS, "notifier"),
    (topics.AUTOMATION_JOBS, "automation"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def intruder(stack: RunningStack) -> AsyncIterator[Intruder]:
    intruder = Intruder(stack.bootstrap_servers)
    await intruder.open()
    yield intruder
    await intruder.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(stack: RunningStack) -> AsyncIterator[Client]:
    client = Client(tenant(stack))
    yield client
    client.close()


@pytest.fixture
def nobody_dies(stack: RunningStack) -> Any:
    before = {name: stack.pid(name) for name in stack.plan.names("services")}
    yield
    assert {name: stack.pid(name) for name in before} == before


async def logged(stack: RunningStack, topic: str) -> Log:
    log = Log(stack.bootstrap_servers, topic)
    await log.open()
    return log


async def until_set_aside(log: Log, sent: dict[tuple[int, int], Bad], service: str | None = None) -> None:
    """Waits until each has been set aside, and checks the reasons."""

    found = hostile.SetAside(log, service)

    async def all_are_there() -> bool:
        return set(sent) <= set(await found.look())

    try:
        await asyncio.wait_for(until(all_are_there), SECONDS)
    except TimeoutError:
        missing = [(bad.what, place) for place, bad in sent.items() if place not in found.reasons]
        raise AssertionError(f"not set aside: {missing}") from None
    wrong = [(bad.what, found.reasons[p]) for p, bad in sent.items() if bad.reason not in found.reasons[p]]
    assert wrong == []


async def work_goes_on(client: Client) -> None:
    """A playbook, a run through all partitions' owners, its timeline and its metrics."""
    playbook_id = await client.created(tasks_in_a_row(1))
    runs = [(await client.started(playbook_id))["run_id"] for _ in range(12)]  # of every partition
    for run_id in runs:
        done = await client.completed(run_id, 1)
        assert done["run_status"]["overall_status"] == "completed"
        timeline = await client.get(f"/playbook-runs/{run_id}/timeline")
        assert timeline.data()["summary"]["current_status"] == "completed"
        assert "x-consistency" not in timeline.headers
    metrics = (await client.get(f"/playbooks/{playbook_id}/metrics?period=30d")).data()["metrics"]
    assert metrics["execution_stats"]["completed_runs"] == len(runs)


@pytest.mark.usefixtures("nobody_dies")
@pytest.mark.parametrize(("topic", "service"), READERS, ids=[f"{t.name}-{s}" for t, s in READERS])
async def test_what_is_no_message_is_parked_and_work_goes_on(
    stack: RunningStack, intruder: Intruder, client: Client, topic: Topic, service: str
) -> None:
    log = await logged(stack, topic.parked)
    key = new_id("run")
    sent = await intruder.send_to_all(topic, [*SHAPELESS, *misshapen(topic, key, GOOD[topic](key))])
    await until_set_aside(log, sent, service)
    await work_goes_on(client)
    await log.close()


@pytest.mark.usefixtures("nobody_dies")
async def test_replies_that_nobody_waits_for_stop_no_gateway(intruder: Intruder, client: Client) -> None:
    await intruder.send_to_all(topics.GATEWAY_REPLIES, SHAPELESS)
    await work_goes_on(client)


@pytest.mark.usefixtures("nobody_dies")
async def test_what_is_no_workers_result_is_parked(stack: RunningStack, intruder: Intruder, client: Client) -> None:
    log = await logged(stack, topics.WORKER_RESULTS.parked)
    result = {"job_id": "j", "run_id": "r", "organization_id": "o", "step_id": "s", "outcome": "success"}
    bad = [
        *SHAPELESS,
        Bad("an unknown job", orjson.dumps(result), "no job j"),
        Bad("an unknown outcome", orjson.dumps(result | {"outcome": "perhaps"}), "outcome"),
        Bad("wrong types", orjson.dumps(result | {"data": [], "retryable": "maybe"}), "data"),
        Bad("deep data", orjson.dumps(result | {"data": nested(200)}), "Nested deeper"),
        Bad("beyond 64 bits", orjson.dumps(result | {"data": {"a": 2**63}}), "64 bits"),
    ]
    await until_set_aside(log, await intruder.send_to_all(topics.WORKER_RESULTS, bad), "automation")
    await work_goes_on(client)
    await log.close()


@pytest.mark.usefixtures("nobody_dies")
async def test_what_is_no_signal_is_rejected_with_its_reason(
    stack: RunningStack, intruder: Intruder, client: Client
) -> None:
    log = await logged(stack, topics.SIGNALS_REJECTED.name)
    event = {"type": "event", "name": "n"}
    signal = {"organization_id": "org_1", "run_id": "run_1", "signal": event}
    bad = [
        *SHAPELESS,
        Bad("an unknown signal", orjson.dumps(signal | {"signal": {"type": "explode"}}), "not a valid signal"),
        Bad("wrong types", orjson.dumps(signal | {"signal": event | {"data": [1]}}), "not a valid signal"),
        Bad("no run", orjson.dumps(signal | {"run_id": ""}), "not a valid signal"),
        Bad("deep data", orjson.dumps(signal | {"signal": event | {"data": nested(200)}}), "not a valid signal"),
        Bad("a NUL in a name", orjson.dumps(signal | {"signal": event | {"data": {"a\0": 1}}}), "not a valid signal"),
        Bad("beyond 64 bits", orjson.dumps(signal | {"signal": event | {"data": {"a": 2**63}}}), "not a valid signal"),
    ]
    await until_set_aside(log, await intruder.send_to_all(topics.SIGNALS, bad))
    await work_goes_on(client)
    await log.close()


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        value = {"a": value}
    return value


async def test_a_signal_with_odd_headers_and_no_key_still_counts(
    stack: RunningStack, intruder: Intruder, client: Client
) -> None:
    run_id = (await client.started(await client.created(tasks_in_a_row(1))))["run_id"]
    signal = {
        "organization_id": client.caller.organization_id,
        "run_id": run_id,
        "signal": {"type": "pause", "reason": "told by a foreign system"},
    }
    await intruder.send(topics.SIGNALS, Bad("good", orjson.dumps(signal), "", None, ODD_HEADERS), 0)

    async def is_paused() -> bool:
        return bool((await client.get(f"/playbook-runs/{run_id}")).data()["status"] == "paused")

    await asyncio.wait_for(until(is_paused), SECONDS)


async def test_a_signal_to_somebody_elses_run_changes_nothing(
    stack: RunningStack, intruder: Intruder, client: Client
) -> None:
    log = await logged(stack, topics.SIGNALS_OUTCOMES.name)
    run_id = (await client.started(await client.created(tasks_in_a_row(1))))["run_id"]
    signal = {"organization_id": "org_of_an_intruder", "run_id": run_id, "signal": {"type": "cancel", "reason": "r"}}
    await intruder.send(topics.SIGNALS, Bad("foreign", orjson.dumps(signal), "", run_id.encode()), 0)

    async def has_outcome() -> bool:
        outcomes = [orjson.loads(record.value) for record in await log.records()]
        return any(o["run_id"] == run_id and o["rejection"]["code"] == "NOT_FOUND" for o in outcomes)

    await asyncio.wait_for(until(has_outcome), SECONDS)
    assert (await client.get(f"/playbook-runs/{run_id}")).data()["status"] == "active"
    await log.close()


@pytest.mark.usefixtures("nobody_dies")
async def test_commands_and_events_of_another_tenant_do_not_reach_a_run(intruder: Intruder, client: Client) -> None:
    run_id = (await client.started(await client.created(tasks_in_a_row(2))))["run_id"]
    command = enveloped(topics.RUN_COMMANDS, run_id, update(stolen=True), "org_of_an_intruder")
    event = orjson.dumps({**orjson.loads(hostile.event_of_nobody(run_id)), "sequence": 3})
    await intruder.send_to_all(topics.RUN_COMMANDS, [Bad("foreign", command, "", run_id.encode())])
    await intruder.send_to_all(topics.RUN_EVENTS, [Bad("foreign", event, "", run_id.encode())])
    await client.completed(run_id, 1)
    run = (await client.get(f"/playbook-runs/{run_id}")).data()
    assert "stolen" not in orjson.dumps(run).decode()
    timeline = (await client.get(f"/playbook-runs/{run_id}/timeline?include_system_events=true")).data()["timeline"]
    assert [e["event_type"] for e in timeline] == ["run_created", "step_started", "step_completed", "step_started"]
    await work_goes_on(client)


@pytest.mark.usefixtures("nobody_dies")
@pytest.mark.parametrize("address", NOWHERE, ids=lambda address: f"{address.topic}-{address.partition}")
async def test_an_answer_that_can_go_nowhere_stops_nothing(intruder: Intruder, client: Client, address: Any) -> None:
    run_id = (await client.started(await client.created(tasks_in_a_row(1))))["run_id"]
    command = enveloped(topics.RUN_COMMANDS, run_id, update(seen=1), client.caller.organization_id, reply_to=address)
    creation = enveloped(topics.REGISTRY_COMMANDS, run_id, hostile.creation(run_id), reply_to=address)
    await intruder.send_to_all(topics.RUN_COMMANDS, [Bad("nowhere", command, "", run_id.encode())])
    await intruder.send_to_all(topics.REGISTRY_COMMANDS, [Bad("nowhere", creation, "", run_id.encode())])
    await work_goes_on(client)


@pytest.mark.usefixtures("nobody_dies")
async def test_signals_that_would_make_a_run_too_large_are_refused_by_the_limits_name(
    stack: RunningStack, intruder: Intruder, client: Client
) -> None:
    log = await logged(stack, topics.SIGNALS_OUTCOMES.name)
    playbook_id = await client.created(tasks_in_a_row(2))
    run_id = (await client.started(playbook_id))["run_id"]
    sizes = (900_000, 900_000, 900_000, 5_000_000)
    for number, size in enumerate(sizes):
        signal = {"type": "event", "name": "grown", "data": {f"part_{number}": "x" * size}}
        message = {"organization_id": client.caller.organization_id, "run_id": run_id, "signal": signal}
        await intruder.send(topics.SIGNALS, Bad("large", orjson.dumps(message), "", run_id.encode()), 0)

    async def all_have_outcomes() -> bool:
        return len(await outcomes_of(log, run_id)) >= len(sizes)

    await asyncio.wait_for(until(all_have_outcomes), SECONDS)
    outcomes = await outcomes_of(log, run_id)
    assert [outcome["accepted"] for outcome in outcomes] == [True, True, False, False]
    for outcome in outcomes[2:]:
        rejection = outcome["rejection"]
        assert (rejection["code"], rejection["details"]["limit"]) == ("PAYLOAD_TOO_LARGE", "run_data_bytes")
    await work_goes_on(client)
    await log.close()


async def outcomes_of(log: Log, run_id: str) -> list[dict[str, Any]]:
    outcomes = [orjson.loads(record.value) for record in await log.records()]
    return [outcome for outcome in outcomes if outcome["run_id"] == run_id]
