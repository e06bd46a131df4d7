"""One signal to many runs: taken once and carried out once, whatever comes again and wherever its engine dies."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx

from services.run_engine.bulk.store import BulkStore
from services.run_engine.bulk.worker import BulkWorker
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.signals import BulkSealing, SealedSignals
from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings, keyring
from services.run_engine.store import RunStore
from shared import clock
from tests.integration.responses.cases import playbook
from tests.integration.responses.world import Call, Crash, Organization, World

MANY = 40
PAUSE = {"type": "pause", "reason": "audit"}
EVENT = {"type": "event", "name": "paid"}


async def two_runs(org: Organization) -> list[str]:
    """The second is paused, and refuses to be paused again."""
    made = await org.done(playbook())
    start = Call("POST", "/playbook-runs", {"run": {"playbook_id": made["playbook_id"]}})
    run_ids = [(await org.done(start))["run_id"] for _ in range(2)]
    await org.done(Call("POST", f"/playbook-runs/{run_ids[1]}/signal", {"signal": {"type": "pause"}}))
    return run_ids


def to_all(run_ids: list[str], signal: dict[str, Any]) -> Call:
    return Call("POST", "/playbook-runs/bulk-signal", {"filter": {"run_ids": run_ids}, "signal": signal})


class Work:
    """What the engine's loop does with operations."""

    def __init__(self, world: World) -> None:
        service = world.services["run_engine"]
        assert isinstance(service.settings, Settings)
        self.keys = KeyStore(service.mongo, keyring(service.settings))
        sealer = Sealer(self.keys)
        signals = SealedSignals(sealer, EncryptedFields(service.mongo, RunStore(service.mongo, 10)))
        self._world, self._store = world, BulkStore(service.mongo)
        self._worker = BulkWorker(self._store, service.publisher, BulkSealing(signals, sealer, self.keys))

    async def carry_out(self) -> None:
        operation = await self._store.claim()
        assert operation is not None
        working = asyncio.create_task(self._worker.carry_out(operation))
        try:
            while not working.done():
                await self._world.pump()
                await asyncio.sleep(0.005)
            await working
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def carry_out_until_death(self, at: int) -> bool:
        """Whether there was such a point. The lease of who died is over."""
        life = self._world.services["run_engine"].mongo.life  # type: ignore[attr-defined]
        life.points_left = at
        try:
            await self.carry_out()
        except Crash:
            self._world.restart("run_engine")
            past = {"$set": {"leased_until": clock.now() - timedelta(seconds=1)}}
            await self._store._operations.update_many({"status": "running"}, past)
            return True
        life.begin_anew()
        return False


async def outcome(org: Organization, accepted: httpx.Response) -> Any:
    path = accepted.headers["Location"].removeprefix("/api/v1")
    operation, results = await org.read(path), (await org.read(f"{path}/results"))["results"]
    del operation["operation_id"], operation["resource"]  # say when it was accepted, which is kept for a day
    return operation, sorted((result["run_id"], result["status"]) for result in results)


async def test_what_a_bulk_signal_came_to_stays_and_a_repeat_signals_nobody_again(world: World) -> None:
    org, key = Organization(world), uuid.uuid4().hex
    run_ids = await two_runs(org)
    accepted = await org.ask(to_all(run_ids, PAUSE), key)
    assert accepted.status_code == 202
    await Work(world).carry_out()
    first = await outcome(org, accepted)
    assert first[0]["counts"] == {"matched": 2, "pending": 0, "succeeded": 1, "failed": 1}
    for run_id in run_ids:
        await org.done(Call("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "resume"}}))
        for number in range(MANY):
            await org.done(Call("PATCH", f"/playbook-runs/{run_id}", {"run": {"data": {"further": number}}}))
    for forgotten in (False, True):
        if forgotten:
            await world.forget_keys()
        again = await org.ask(to_all(run_ids, PAUSE), key)
        assert again.status_code == 202
        assert forgotten or again.headers["Location"] == accepted.headers["Location"]
        assert await outcome(org, again) == await outcome(org, accepted) == first
    assert (await org.read(f"/playbook-runs/{run_ids[0]}"))["status"] == "active"


async def test_another_body_under_the_key_is_a_conflict_though_the_gateways_have_forgotten_it(world: World) -> None:
    org, key = Organization(world), uuid.uuid4().hex
    run_ids = await two_runs(org)
    accepted = await org.ask(to_all(run_ids, PAUSE), key)
    for forgotten in (False, True):
        if forgotten:
            await world.forget_keys()
        other = await org.ask(to_all(run_ids[:1], PAUSE), key)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    await Work(world).carry_out()
    assert (await outcome(org, accepted))[0]["counts"]["matched"] == 2


async def test_one_with_data_is_told_from_others_when_its_key_is_gone(world: World) -> None:
    org, key, work = Organization(world), uuid.uuid4().hex, Work(world)
    run_ids = await two_runs(org)
    asked, other = (to_all(run_ids, {**EVENT, "data": {"amount": amount}}) for amount in (7, 8))
    accepted = await org.ask(asked, key)
    await work.carry_out()
    first = await outcome(org, accepted)
    bulk = {"owner": {"$regex": "^run:bulk_"}, "organization_id": org.organization_id, "wrapped": {"$ne": None}}
    for forgotten in (False, True):
        if forgotten:
            await world.forget_keys()
        again = await org.ask(asked, key)
        assert again.status_code == 202, again.text
        assert await outcome(org, again) == first
        assert await work.keys._keys.count_documents(bulk) == 0, "what it carried can still be read"
        assert (await org.ask(other, key)).status_code == 409


async def test_wherever_its_engine_dies_each_run_is_signalled_once(world: World) -> None:
    at, dies = 0, True
    while dies:
        org = Organization(world)
        run_ids, begin = await two_runs(org), world.position("run_engine")
        accepted = await org.ask(to_all(run_ids, PAUSE), uuid.uuid4().hex)
        dies = await Work(world).carry_out_until_death(at)
        if dies and (await org.read(accepted.headers["Location"].removeprefix("/api/v1")))["status"] == "running":
            await Work(world).carry_out()
        first = await outcome(org, accepted)
        assert first[1] == sorted([(run_ids[0], "succeeded"), (run_ids[1], "failed")])
        await org.done(Call("POST", f"/playbook-runs/{run_ids[0]}/signal", {"signal": {"type": "resume"}}))
        await world.deliver_again("run_engine", begin)
        assert await outcome(org, accepted) == first
        assert (await org.read(f"/playbook-runs/{run_ids[0]}"))["status"] == "active"
        at += 1
    assert at > 5, "it has more points than that"
