"""A mongod that demands TLS, client certificates and users: who gets in, as whom, and what the others are told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pymongo import MongoClient
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from deploy.backup import connections
from deploy.backup import mongodb as backup
from deploy.backup.folder import BackupFolder, Manifest
from deploy.local import mongodb
from deploy.local.ports import HOST
from deploy.lost_log import NEVER_EMPTY, LostLogError, require_log
from deploy.mongodb_users import SERVICES, TOPICS
from deploy.replica_set import initiate
from services.gateway.rate_limits import RateLimits
from shared.mongo import Mongo
from shared.mongo_connection import MongoConnection, explain_refusal
from shared.settings import ServiceSettings
from tests.infrastructure import SERVICE_TOKEN
from tests.mongod import PASSWORD, WAITED_SECONDS, Mongod
from tests.pki import Authority, Certificate, mounted_folder

KEY_PASSWORD = "password-of-the-key"
UNAUTHORIZED = 13


class Secured:
    """The mongod with its users: `hera` by password, and one for each service by certificate."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "pki")
        self.strangers = Authority(folder / "strangers", "strangers")
        self.mongod = Mongod(folder, self.authority)
        self.operator = self.authority.issue("operator")
        self.certificates = {name: self.authority.issue(name, KEY_PASSWORD) for name in (*SERVICES, TOPICS)}

    def set_up(self) -> None:
        subjects = {name: certificate.subject for name, certificate in self.certificates.items()}
        pairs = ", ".join(f'"{name}": "{subject}"' for name, subject in subjects.items())
        tls = self.files(self.operator, password=None)
        users = {"MONGODB_X509_USERS": f"{{{pairs}}}"}
        assert initiate(self.mongod.environment() | tls | users, WAITED_SECONDS) == f"{HOST}:{self.mongod.port}"

    def files(self, own: Certificate, password: str | None = KEY_PASSWORD) -> dict[str, str]:
        files = {
            "MONGODB_TLS_CA_FILE": str(self.authority.file),
            "MONGODB_TLS_CERTIFICATE_KEY_FILE": str(own.both),
            "MONGODB_TLS_CERTIFICATE_KEY_PASSWORD": password or "",
        }
        return {name: value for name, value in files.items() if value}

    def by_password(self, password: str = PASSWORD) -> dict[str, str]:
        return {"MONGODB_URI": self.mongod.environment(password)["MONGODB_URI"]} | self.files(self.operator, None)

    def by_certificate(self, own: Certificate) -> dict[str, str]:
        uri = f"mongodb://{HOST}:{self.mongod.port}/?replicaSet={mongodb.REPLICA_SET}"
        return self.files(own) | {"MONGODB_URI": uri, "MONGODB_AUTH_MECHANISM": "MONGODB-X509"}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("secured"))
    with made.mongod.running():
        made.set_up()
        yield made


def settings(environment: dict[str, str]) -> ServiceSettings:
    given = environment | {"KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:1", "SERVICE_TOKEN": SERVICE_TOKEN}
    return ServiceSettings.model_validate({name.lower(): value for name, value in given.items()})


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_uses_its_own_database_as_the_subject_of_its_certificate(
    secured: Secured, service: str
) -> None:
    given = settings(secured.by_certificate(secured.certificates[service]))
    own, other = (Mongo(given, name) for name in _two(service))
    try:
        await own.collection("things").insert_one({"_id": 1})
        assert await own.collection("things").find_one() == {"_id": 1}
        with pytest.raises(OperationFailure) as refused:
            await other.collection("things").find_one()
        assert refused.value.code == UNAUTHORIZED
    finally:
        await own.close()
        await other.close()


def _two(service: str) -> tuple[str, str]:
    return service, "timeline" if service != "timeline" else "gateway"


async def test_a_service_uses_its_database_as_a_user_with_a_password(secured: Secured) -> None:
    mongo = Mongo(settings(secured.by_password()), "run_engine")
    await mongo.collection("more").insert_one({"_id": 1})
    await mongo.close()


async def test_requests_are_counted_over_tls(secured: Secured) -> None:
    connection = settings(secured.by_certificate(secured.certificates["gateway"]))
    standing = await RateLimits(connection, "hera_gateway", 100, {}).take("org_1")
    assert standing.remaining == 99
    with MongoClient[dict[str, object]](connection.mongodb_uri, **connection.options()) as client:
        assert client["hera_gateway"]["rate_limits"].count_documents({}) == 1


async def test_the_topics_job_sees_what_was_written_through_a_lost_log_and_nothing_else(secured: Secured) -> None:
    engine = Mongo(settings(secured.by_certificate(secured.certificates["run_engine"])), "run_engine")
    await engine.collection("runs").insert_one({"_id": 1})
    await engine.close()
    topics = secured.by_certificate(secured.certificates[TOPICS])
    with pytest.raises(LostLogError):
        await require_log(topics, NEVER_EMPTY)
    connection = settings(topics)
    with MongoClient[dict[str, object]](connection.mongodb_uri, **connection.options()) as client:
        for attempt in (client["hera_timeline"]["events"].find_one, lambda: client["hera_run_engine"]["runs"].drop()):
            with pytest.raises(OperationFailure) as refused:
                attempt()
            assert refused.value.code == UNAUTHORIZED


def refusal(environment: dict[str, str]) -> str:
    """Returns what is told to the operator of a client that MongoDB does not let in."""
    given = {name.lower(): value for name, value in environment.items()}
    connection = MongoConnection.model_validate(given)
    options = connection.options() | {"serverSelectionTimeoutMS": 1500}
    with (
        MongoClient[dict[str, object]](connection.mongodb_uri, **options) as client,
        pytest.raises((OperationFailure, ServerSelectionTimeoutError)) as refused,
    ):
        client["hera_run_engine"]["runs"].find_one()
    told = explain_refusal(refused.value)
    assert told is not None, refused.value
    return told


def test_who_is_refused_is_told_which_setting_to_correct(secured: Secured) -> None:
    good = secured.by_password()
    assert "correct user and password in MONGODB_URI" in refusal(secured.by_password("wrong"))
    assert "is not signed by an authority of MONGODB_TLS_CA_FILE" in refusal(
        good | {"MONGODB_TLS_CA_FILE": str(secured.strangers.file)}
    )
    stranger = {"MONGODB_TLS_CERTIFICATE_KEY_FILE": str(secured.strangers.issue("gateway").both)}
    assert "set MONGODB_TLS_CERTIFICATE_KEY_FILE" in refusal(good | stranger)
    without = {name: good[name] for name in ("MONGODB_URI", "MONGODB_TLS_CA_FILE")}
    assert "set MONGODB_TLS_CERTIFICATE_KEY_FILE" in refusal(without)
    assert "set MONGODB_TLS_CA_FILE" in refusal({"MONGODB_URI": good["MONGODB_URI"]})
    nobody = secured.authority.issue("nobody", KEY_PASSWORD)
    assert "create a user for the subject" in refusal(secured.by_certificate(nobody))


def test_a_command_that_is_refused_ends_with_the_sentence(secured: Secured) -> None:
    environment = os.environ | secured.by_password("wrong")
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:1", "SERVICE_TOKEN": SERVICE_TOKEN}
    command = [sys.executable, "-m", "services.timeline.verify"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("MongoDB refuses the user") and "Traceback" not in ended.stderr


async def test_a_backup_reads_and_a_restore_writes_over_tls(secured: Secured, tmp_path: Path) -> None:
    """As `hera`, who may use the databases of all services."""
    given = settings(secured.by_password())
    folder = BackupFolder(tmp_path / "backup")
    folder.begin()
    engine = Mongo(given, "run_engine")
    try:
        await engine.collection("backed_up").insert_one({"_id": "kept"})
        files = await backup.dump(given, folder)
        await backup.drop(given)
        assert await engine.collection("backed_up").find_one() is None
        await backup.load(given, folder, Manifest(made_at=datetime.now(UTC), database_prefix="hera", files=files))
        assert await engine.collection("backed_up").find_one() == {"_id": "kept"}
    finally:
        await engine.close()


async def test_a_backup_gets_nothing_from_a_server_that_another_authority_vouches_for(
    secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_ANSWER_MS", 1000)
    folder = BackupFolder(tmp_path / "backup")
    folder.begin()
    deceived = secured.by_password() | {"MONGODB_TLS_CA_FILE": str(secured.strangers.file)}
    with pytest.raises(ServerSelectionTimeoutError, match="CERTIFICATE_VERIFY_FAILED"):
        await backup.dump(settings(deceived), folder)


def test_mongod_takes_the_options_that_compose_gives_it_over_tls(tmp_path: Path) -> None:
    mounted_folder(tmp_path / "mounted", "mongo", "hera databases")
    checkout = Path(__file__).parents[3]
    over_tls = yaml.safe_load((checkout / "docker-compose.tls.yml").read_text())["services"]
    options = over_tls["mongo"]["environment"]["MONGOD_OPTIONS"].replace("/etc/hera/tls", str(tmp_path / "mounted"))
    mongod = Mongod(tmp_path, options=options.split())
    given = {
        name: value.replace("/etc/hera/tls", str(tmp_path / "mounted"))
        for name, value in over_tls["replica-set"]["environment"].items()
        if name.startswith("MONGODB_")
    }
    with mongod.running():
        assert initiate(mongod.environment() | given, WAITED_SECONDS) == f"{HOST}:{mongod.port}"
        with (
            MongoClient[dict[str, object]](mongod.environment()["MONGODB_URI"], serverSelectionTimeoutMS=2000) as plain,
            pytest.raises(ServerSelectionTimeoutError),
        ):
            plain.admin.command("ping")
