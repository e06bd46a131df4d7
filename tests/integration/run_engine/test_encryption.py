"""Keys, and runs with encrypted fields, on the real database."""

import asyncio
import traceback
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
import pytest_asyncio
from bson import encode
from pydantic import SecretStr

from contracts.commands import EraseEncryptedData
from contracts.encrypted import is_encrypted
from services.run_engine import keys as keys_command
from services.run_engine import loop
from services.run_engine.domain.clear import GONE
from services.run_engine.sealing import store as key_store
from services.run_engine.sealing.erasures import Erasures
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.store import KeyStore, Owner
from shared.cipher import BrokenSeal
from shared.errors import Refused, Unavailable
from shared.keyring import Keyring
from shared.unspoken import Unspoken
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import KEYS, SOMEBODY, Commands, Delivered, Engine

SSN = "123-45-6789"
FORM = [{"name": "ssn", "type": "text", "validation": r"^\d{3}-\d{2}-\d{4}$", "encrypted": True}]
OURS, RUN = Owner("org_1"), Owner("org_1", "run_1")


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    await made.mongo.create_indexes(key_store.INDEXES)
    yield made
    await made.publisher.stop()
    await made.mongo.close()


async def held(sealer: Sealer, owner: Owner, data: dict[str, Any], name: str = "ssn") -> Any:
    (clear,) = (await sealer.opened({owner: [(name, data[name])]})).values()
    return clear[name, data[name]["ciphertext"]]


async def test_what_is_sealed_is_opened_for_its_run_and_field_only(engine: Engine) -> None:
    sealed = await engine.sealer.sealed(RUN, {"ssn": SSN, "name": "Ann", "none": None}, ["ssn", "none"])
    assert is_encrypted(sealed["ssn"]) and (sealed["name"], sealed["none"]) == ("Ann", None)
    assert await held(engine.sealer, RUN, sealed) == SSN
    for owner, name in ((Owner("org_1", "run_2"), "ssn"), (Owner("org_2", "run_1"), "ssn"), (RUN, "other")):
        with pytest.raises(BrokenSeal) as fault:
            await held(engine.sealer, owner, {name: sealed["ssn"]}, name)
        assert SSN not in str(fault.value)


async def test_seals_at_any_depth_and_any_json(engine: Engine) -> None:
    data = {"people": [{"ssn": SSN}, {"ssn": {"number": 1.5, "list": [None, True]}}], "ssn": [1, 2]}
    sealed = await engine.sealer.sealed(RUN, data, ["ssn"])
    assert SSN not in repr(sealed)
    assert await held(engine.sealer, RUN, sealed["people"][1]) == {"number": 1.5, "list": [None, True]}


async def test_a_mask_that_is_sent_back_is_no_value(engine: Engine) -> None:
    with pytest.raises(Refused) as refused:
        await engine.sealer.sealed(RUN, {"ssn": "********"}, ["ssn"], "run.data")
    assert refused.value.rejection.details["field"] == "run.data.ssn"


async def test_says_that_there_are_no_keys_to_encrypt_with(engine: Engine) -> None:
    with pytest.raises(Unavailable, match="no ENCRYPTION_KEYS"):
        await Sealer(KeyStore(engine.mongo, Keyring({}))).sealed(RUN, {"ssn": SSN}, ["ssn"])


async def test_engines_that_need_a_key_at_once_make_one(engine: Engine) -> None:
    stores = [KeyStore(engine.mongo, Keyring(KEYS)) for _ in range(8)]
    keys = await asyncio.gather(*(store.current(RUN) for store in stores))
    assert len({key.secret for key in keys}) == 1


async def test_no_key_is_stored_in_clear(engine: Engine) -> None:
    key = await engine.keys.current(RUN)
    above = await engine.keys.current(OURS)
    async for document in engine.mongo.collection("keys").find():
        assert key.secret not in encode(document) and above.secret not in encode(document)


async def test_a_new_key_of_the_configuration_takes_over_and_the_old_one_may_go(engine: Engine) -> None:
    sealed = await engine.sealer.sealed(RUN, {"ssn": SSN}, ["ssn"])
    new = {"new": bytes(32)}
    for _ in range(2):
        await KeyStore(engine.mongo, Keyring(new | KEYS)).rewrap()
    assert await held(Sealer(KeyStore(engine.mongo, Keyring(new))), RUN, sealed) == SSN
    with pytest.raises(BrokenSeal, match="wrapped by new, which ENCRYPTION_KEYS does not hold"):
        await held(engine.sealer, RUN, sealed)


def as_setting(keys: dict[str, bytes]) -> SecretStr:
    return SecretStr(",".join(f"{name}:{b64encode(key).decode()}" for name, key in keys.items()))


async def test_a_command_says_which_key_of_the_configuration_may_go_and_wraps_by_the_first(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    async def asked(keys: dict[str, bytes], *arguments: str) -> int:
        settings = engine.settings.model_copy(update={"encryption_keys": as_setting(keys) if keys else None})
        return await asyncio.to_thread(keys_command.main, settings, arguments)

    sealed = await engine.sealer.sealed(RUN, {"ssn": SSN}, ["ssn"])
    await engine.keys.current(Owner("org_2"))
    new = {"new": bytes(32)}
    assert await asked(KEYS | new) == 0
    assert "2 keys of organizations are wrapped by test.\nOf ENCRYPTION_KEYS the run_engine needs only" in said(capsys)
    assert await asked(new | KEYS) == 1
    assert "Of ENCRYPTION_KEYS the run_engine still needs test" in said(capsys)
    assert await asked(new, "rewrap") == 1
    assert "wrapped by test, which ENCRYPTION_KEYS does not hold" in said(capsys)
    assert await asked(new | KEYS, "rewrap") == 0
    assert "2 keys of organizations are wrapped by new.\nOf ENCRYPTION_KEYS the run_engine needs only" in said(capsys)
    assert await held(Sealer(KeyStore(engine.mongo, Keyring(new))), RUN, sealed) == SSN
    assert await asked({}) == 2
    assert capsys.readouterr().err == "ENCRYPTION_KEYS is not set.\n"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


async def test_in_three_rounds_no_engine_ever_meets_a_key_that_it_can_not_open(engine: Engine) -> None:
    """Each round's engines work beside those of the round before."""
    new = {"new": bytes(32)}
    rounds = [KEYS, KEYS | new, new | KEYS, new]
    for number, (before, after) in enumerate(pairwise(rounds)):
        old, young = (KeyStore(engine.mongo, Keyring(keys)) for keys in (before, after))
        await young.rewrap()
        for writer, reader in ((old, young), (young, old)):
            owner = Owner(f"org_{number}", f"run_{number}_{writer is old}")
            sealed = await Sealer(writer).sealed(owner, {"ssn": SSN}, ["ssn"])
            assert await held(Sealer(reader), owner, sealed) == SSN


@pytest.mark.parametrize("keys", [{"new": bytes(32)}, {}])
async def test_an_engine_starts_without_a_key_that_it_needs_and_says_so(
    engine: Engine, keys: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = await engine.sealer.sealed(RUN, {"ssn": SSN}, ["ssn"])
    await KeyStore(engine.mongo, Keyring(keys)).rewrap()
    assert "wrapped by test, which ENCRYPTION_KEYS does not hold" in capsys.readouterr().out
    assert await held(engine.sealer, RUN, sealed) == SSN


async def test_an_organisations_new_key_encrypts_what_comes_and_the_old_one_opens_what_was(engine: Engine) -> None:
    before = await engine.sealer.sealed(RUN, {"ssn": SSN}, ["ssn"])
    fingerprint = await engine.sealer.fingerprint(RUN, "digest")
    await engine.keys.rotate("org_1")
    after = await engine.sealer.sealed(RUN, {"ssn": "other"}, ["ssn"])
    assert before["ssn"]["key_id"] != after["ssn"]["key_id"]
    assert [await held(engine.sealer, RUN, data) for data in (before, after)] == [SSN, "other"]
    assert await engine.sealer.fingerprint(RUN, "digest") == fingerprint


async def test_a_fingerprint_needs_the_runs_key(engine: Engine) -> None:
    assert await engine.sealer.fingerprint(RUN, "digest") is None
    other = Owner("org_1", "run_2")
    for owner in (RUN, other):
        await engine.keys.current(owner)
    ours, theirs = [await engine.sealer.fingerprint(owner, "digest") for owner in (RUN, other)]
    assert len({ours, theirs, await engine.sealer.fingerprint(RUN, "other")}) == 3


async def test_a_destroyed_key_opens_nothing_and_new_values_get_a_new_one(engine: Engine) -> None:
    sealed = await engine.sealer.sealed(RUN, {"ssn": SSN}, ["ssn"])
    await engine.keys.destroy(await engine.keys.of_run(RUN))
    assert await held(engine.sealer, RUN, sealed) is GONE
    assert await held(engine.sealer, RUN, await engine.sealer.sealed(RUN, {"ssn": "new"}, ["ssn"])) == "new"
    assert await held(engine.sealer, RUN, sealed) is GONE


async def test_an_organisations_erasure_reaches_its_runs_at_once_and_no_other(engine: Engine) -> None:
    theirs = Owner("org_2", "run_9")
    sealed = {owner: await engine.sealer.sealed(owner, {"ssn": SSN}, ["ssn"]) for owner in (RUN, theirs)}
    assert (await Erasures(engine.keys, engine.publisher).of_organization("org_1", "ada"))["keys_destroyed"] == 1
    assert await held(engine.sealer, RUN, sealed[RUN]) is GONE
    assert await held(engine.sealer, theirs, sealed[theirs]) == SSN
    orphaned = await engine.keys.orphaned(10)
    assert [(key["run_id"], key["destroyed_by"]) for key in orphaned] == [("run_1", "ada")]
    await engine.keys.destroy(key["_id"] for key in orphaned)
    assert await engine.keys.orphaned(10) == []


class Patients(Commands):
    """A run whose first step asks for an encrypted field."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(metadata={"form_fields": FORM})
        self.owner = Owner("org_1", self.run_id)
        self._sealer = engine.sealer

    async def registers(self, **data: Any) -> Delivered:
        return self.complete(1, data=await self._sealer.sealed(self.owner, data, ["ssn"]))


async def test_a_run_keeps_its_encrypted_values_encrypted_everywhere(engine: Engine) -> None:
    patient = Patients(engine)
    registered = await patient.registers(ssn=SSN, name="Ann")
    await engine.take(patient.start(), registered)
    document = await engine.document(patient.run_id)
    assert document["state"]["steps"]["step_001"]["status"] == "completed"
    assert SSN.encode() not in encode(document) + (registered.value or b"")
    assert b"Ann" in encode(document)
    assert await held(engine.sealer, patient.owner, document["state"]["data"]) == SSN


async def test_a_form_refuses_by_the_clear_value(engine: Engine) -> None:
    patient = Patients(engine)
    await engine.take(patient.start(), await patient.registers(ssn="12"))
    document = await engine.document(patient.run_id)
    assert document["state"]["steps"]["step_001"]["status"] == "in_progress"
    assert "It must match" in document["journal"]["000000001"]["answer"].decode()


def _tampered(value: dict[str, str]) -> dict[str, str]:
    ciphertext = bytearray(b64decode(value["ciphertext"]))
    ciphertext[0] ^= 1
    return {**value, "ciphertext": b64encode(ciphertext).decode()}


async def _without_keys(engine: Engine, patient: Patients) -> None:
    await engine.mongo.collection("keys").delete_many({"run_id": patient.run_id})


async def _tamper(engine: Engine, patient: Patients) -> None:
    value = (await engine.document(patient.run_id))["state"]["data"]["ssn"]
    await engine.mongo.collection("runs").update_one(
        {"_id": patient.run_id}, {"$set": {"state.data.ssn": _tampered(value)}}
    )


@pytest.mark.parametrize("damage", [_without_keys, _tamper])
async def test_what_cannot_be_opened_stops_its_run_alone_and_says_why(engine: Engine, damage: Any) -> None:
    broken, whole = Patients(engine), Patients(engine)
    await engine.take(broken.start(), await broken.registers(ssn=SSN), whole.start())
    await damage(engine, broken)
    engine.store.forget_all()
    record = broken.complete(2)
    with pytest.raises(BrokenSeal) as fault:
        await engine.take(record, await whole.registers(ssn=SSN))
    await engine.loop.set_aside(record, fault.value)
    await engine.take(await whole.registers(ssn=SSN))
    incident = (await engine.document(broken.run_id))["incident"]
    assert "The encrypted value of ssn can't be opened" in incident["error"] and SSN not in incident["error"]
    assert (await engine.document(whole.run_id))["state"]["steps"]["step_001"]["status"] == "completed"


async def test_a_stranger_who_names_a_run_cannot_break_it(engine: Engine) -> None:
    patient = Patients(engine)
    await engine.take(patient.start(), await patient.registers(ssn=SSN))
    record = patient.complete(2)
    foreign = orjson.loads(record.value or b"") | {"organization_id": "org_2"}
    await engine.take(Delivered(orjson.dumps(foreign), record.key, record.offset))
    assert "incident" not in await engine.document(patient.run_id)


async def test_an_erasure_destroys_the_keys_before_it_is_answered_and_again_when_it_comes_again(engine: Engine) -> None:
    patient = Patients(engine)
    await engine.take(patient.start(), await patient.registers(ssn=SSN))
    key_ids = await engine.keys.of_run(patient.owner)
    record = patient.record(EraseEncryptedData(caller=SOMEBODY, key_ids=key_ids))
    publish = await engine.loop.handle((record,))
    assert await engine.keys.of_run(patient.owner) == key_ids  # decided and written, and the engine dies
    await engine.take(record)
    assert await engine.keys.of_run(patient.owner) == []
    await publish()
    document = await engine.document(patient.run_id)
    assert document["state"]["erased_keys"] == key_ids
    assert await held(engine.sealer, patient.owner, document["state"]["data"]) is GONE


async def test_an_open_run_goes_on_after_an_erasure(engine: Engine) -> None:
    patient = Patients(engine)
    await engine.take(patient.start(), await patient.registers(ssn=SSN))
    key_ids = await engine.keys.of_run(patient.owner)
    await engine.take(patient.record(EraseEncryptedData(caller=SOMEBODY, key_ids=key_ids)), patient.complete(2))
    assert (await engine.document(patient.run_id))["state"]["status"] == "completed"


async def test_a_surprise_over_clear_values_is_told_without_its_words(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def surprised(*_: Any) -> None:
        raise KeyError(f"no such patient: {SSN}")

    patient = Patients(engine)
    await engine.take(patient.start())
    registration = await patient.registers(ssn=SSN)
    monkeypatch.setattr(loop, "take", surprised)
    with pytest.raises(Unspoken) as fault:
        await engine.take(registration)
    told = "".join(traceback.format_exception(fault.value))
    assert SSN not in told and "KeyError at " in told and "test_encryption.py:" in told
    await engine.loop.set_aside(registration, fault.value)
    assert SSN not in repr((await engine.document(patient.run_id))["incident"])
    assert SSN not in capsys.readouterr().out


async def test_a_surprise_without_clear_values_keeps_its_words(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(*_: Any) -> None:
        raise KeyError("a word")

    monkeypatch.setattr(loop, "take", surprised)
    with pytest.raises(KeyError, match="a word"):
        await engine.take(Commands().start())
