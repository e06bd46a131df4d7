"""The users that Compose's set-up makes, on a real mongod that demands authentication."""

from pathlib import Path

import pytest
from pymongo.errors import OperationFailure

from deploy.local import mongodb
from deploy.local.ports import HOST
from deploy.mongodb_users import MongoDBUsersError
from deploy.replica_set import initiate, main
from tests.mongod import PASSWORD, WAITED_SECONDS, Mongod

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18


@pytest.fixture
def mongod(tmp_path: Path) -> Mongod:
    return Mongod(tmp_path)


def code_of(refused: pytest.ExceptionInfo[OperationFailure]) -> int | None:
    return refused.value.code


def test_makes_users_of_whom_the_services_own_may_use_their_databases_only(mongod: Mongod) -> None:
    with mongod.running():
        assert mongod.set_up() == f"{HOST}:{mongod.port}"
        with mongod.client("hera", PASSWORD) as hera:
            hera["hera_run_engine"]["runs"].insert_one({"_id": 1})
            hera["hera_run_engine"]["runs"].create_index("a")
            for forbidden in (hera["other"]["things"], hera.admin["system.users"]):
                with pytest.raises(OperationFailure) as refused:
                    forbidden.find_one()
                assert code_of(refused) == UNAUTHORIZED
        with mongod.client(None) as anybody, pytest.raises(OperationFailure) as refused:
            anybody["hera_run_engine"]["runs"].find_one()
        assert code_of(refused) == UNAUTHORIZED


def test_comes_again_and_changes_the_password_of_the_services(mongod: Mongod) -> None:
    with mongod.running():
        mongod.set_up()
        mongod.set_up()
        mongod.set_up(password="another")
        with mongod.client("hera", PASSWORD) as hera, pytest.raises(OperationFailure) as refused:
            hera.admin.command("ping")
        assert code_of(refused) == AUTHENTICATION_FAILED
        with mongod.client("hera", "another") as hera:
            hera.admin.command("ping")


def test_data_that_was_there_before_there_were_users_is_kept(mongod: Mongod) -> None:
    with mongod.running(authenticated=False):
        open_to_all = f"mongodb://{HOST}:{mongod.port}/?replicaSet={mongodb.REPLICA_SET}"
        initiate({"MONGODB_URI": open_to_all}, WAITED_SECONDS)
        with mongod.client(None) as anybody:
            anybody["hera_run_engine"]["runs"].insert_one({"_id": 1})
    with mongod.running():
        mongod.set_up()
        with mongod.client("hera", PASSWORD) as hera:
            assert hera["hera_run_engine"]["runs"].find_one() == {"_id": 1}


def test_another_password_of_root_is_told_in_a_sentence_without_it(
    mongod: Mongod, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with mongod.running():
        mongod.set_up()
        with pytest.raises(MongoDBUsersError, match="another password than MONGODB_ROOT_PASSWORD"):
            mongod.set_up(root_password="wrong")
        for name, value in mongod.environment(root_password="wrong").items():
            monkeypatch.setenv(name, value)
        assert main() == 1
    told = capsys.readouterr().err
    assert "MONGODB_ROOT_PASSWORD" in told
    assert "wrong" not in told and PASSWORD not in told
