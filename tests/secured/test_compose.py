"""Compose's Kafka, with the configuration of docker-compose.yml as it is: who gets in, and what may they do?"""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from contracts.topics import RUN_COMMANDS, RUN_EVENTS, SIGNALS, TOPICS
from deploy.acls import acls, apply
from deploy.local.kafka.install import install
from deploy.local.plan import SERVICES
from deploy.local.ports import HOST, choose_ports
from deploy.local.waiting import until
from shared.kafka_settings import connection_options, read_kafka_settings
from tests.pki import mounted_folder

COMPOSE, OVER_TLS = (
    yaml.safe_load((Path(__file__).parents[2] / name).read_text())["services"]
    for name in ("docker-compose.yml", "docker-compose.tls.yml")
)
PASSWORDS = {name: f"{name.lower().replace('_', '')}0123456789" for name in (
    "KAFKA_PASSWORD", "KAFKA_ADMIN_PASSWORD", "KAFKA_OUTSIDE_PASSWORD",
)}  # fmt: skip
OF_THE_IMAGE = {"KAFKA_HEAP_OPTS", "CLUSTER_ID"}
SECONDS = 60.0
Ports = dict[str, int]
MOUNTED = "/etc/hera/tls"
CERTIFICATES: dict[int, Path] = {}
"""Folders with what is mounted, by the inner port of the broker that speaks TLS there."""


def expanded(value: str) -> str:
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda name: PASSWORDS[name[1]], value)


def properties(log: Path, ports: Ports, tls: Path | None) -> str:
    """What the image makes of its variables, at other ports and in other folders."""
    variables = COMPOSE["kafka"]["environment"] | (OVER_TLS["kafka"]["environment"] if tls else {})
    given = {name: expanded(value).replace(MOUNTED, str(tls)) for name, value in variables.items()}
    lines = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
        if name not in OF_THE_IMAGE
    }
    text = "\n".join(f"{name}={value}" for name, value in lines.items())
    for port, free in ports.items():
        text = text.replace(f":{port}", f":{free}")
    return text.replace("//kafka:", f"//{HOST}:").replace("log.dirs=/var/lib/kafka/data", f"log.dirs={log}")


@pytest.fixture(scope="module", params=["docker-compose.yml", "docker-compose.tls.yml"])
async def ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ports]:
    folder = tmp_path_factory.mktemp("compose")
    chosen = choose_ports(["9092", "9093", "9094"], {}, {})
    if request.param == "docker-compose.tls.yml":
        mounted_folder(folder / "tls", "kafka")
        CERTIFICATES[chosen["9092"]] = folder / "tls"
    file = folder / "server.properties"
    file.write_text(properties(folder / "log", chosen, CERTIFICATES.get(chosen["9092"])))
    installation = install(lambda _: None)
    cluster = COMPOSE["kafka"]["environment"]["CLUSTER_ID"]
    arguments = ("format", "-t", cluster, "-c", str(file))
    await asyncio.to_thread(subprocess.run, installation.command("kafka.tools.StorageTool", *arguments), check=True)
    broker = await asyncio.create_subprocess_exec(*installation.command("kafka.Kafka", str(file)))
    try:
        await asyncio.wait_for(until(lambda: has_topics(chosen)), SECONDS)
        await apply(read_kafka_settings(user("admin", chosen)), acls({}))
        yield chosen
    finally:
        broker.kill()
        await broker.wait()


def user(name: str, ports: Ports, password: str | None = None) -> dict[str, str]:
    """The settings of the service or job that Compose runs under this name, or of somebody outside."""
    outside = name in ("source", "worker")
    given = COMPOSE["topics" if name == "admin" else name]["environment"] if not outside else {}
    tls = CERTIFICATES.get(ports["9092"]) if not outside else None
    if tls:
        given = given | OVER_TLS["topics" if name == "admin" else name]["environment"]
    secret = expanded(given["KAFKA_SASL_PASSWORD"]) if given else PASSWORDS["KAFKA_OUTSIDE_PASSWORD"]
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{ports['9094' if outside else '9092']}",
        "KAFKA_SECURITY_PROTOCOL": given.get("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        "KAFKA_SASL_MECHANISM": given.get("KAFKA_SASL_MECHANISM", "PLAIN"),
        "KAFKA_SASL_USERNAME": given.get("KAFKA_SASL_USERNAME", name),
        "KAFKA_SASL_PASSWORD": password or secret,
        "KAFKA_SSL_CA_FILE": (given.get("KAFKA_SSL_CA_FILE") or "").replace(MOUNTED, str(tls)),
    }


async def has_topics(ports: Ports) -> bool:
    client = AIOKafkaAdminClient(**connection_options(read_kafka_settings(user("admin", ports))))
    try:
        await client.start()
        await client.create_topics([NewTopic(topic.name, 1, 1) for topic in TOPICS])
    except KafkaError:
        return False
    finally:
        await client.close()
    return True


async def writes(settings: dict[str, str], topic: str) -> bool:
    producer = AIOKafkaProducer(**connection_options(read_kafka_settings(settings)))
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"{}")
    except TopicAuthorizationFailedError:
        return False
    finally:
        await producer.stop()
    return True


@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_is_a_user_and_writes_only_what_it_may(ports: Ports, service: str) -> None:
    may = {acl.name for acl in acls({}) if (acl.principal, acl.operation) == (service, "Write")}
    assert await writes(user(service, ports), RUN_COMMANDS.name) == (RUN_COMMANDS.name in may)
    assert await writes(user(service, ports), RUN_EVENTS.name) == (RUN_EVENTS.name in may)


async def test_other_systems_write_signals_and_nothing_else(ports: Ports) -> None:
    assert await writes(user("source", ports), SIGNALS.name)
    assert not await writes(user("source", ports), RUN_COMMANDS.name)
    assert not await writes(user("worker", ports), SIGNALS.name)


@pytest.mark.parametrize("name", ["gateway", "source"])
async def test_a_wrong_password_and_none_are_refused(ports: Ports, name: str) -> None:
    wrong = user(name, ports, "wrong")
    nothing = {"KAFKA_BOOTSTRAP_SERVERS": wrong["KAFKA_BOOTSTRAP_SERVERS"]}
    for settings in (wrong, nothing):
        with pytest.raises(KafkaError):
            await asyncio.wait_for(writes(settings, SIGNALS.name), SECONDS)


async def test_over_tls_nobody_gets_in_without_it_or_to_a_broker_that_another_authority_vouches_for(
    ports: Ports, tmp_path: Path
) -> None:
    if ports["9092"] not in CERTIFICATES:
        return  # a password in clear is what Compose has without the second file
    strangers = mounted_folder(tmp_path / "strangers")
    plain = user("gateway", ports) | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SSL_CA_FILE": ""}
    for settings in (plain, user("gateway", ports) | {"KAFKA_SSL_CA_FILE": str(strangers.file)}):
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(writes(settings, RUN_COMMANDS.name), SECONDS)
