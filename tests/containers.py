"""MongoDB and Apache Kafka in containers, where a Docker engine answers and has or gets the images."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import docker  # type: ignore[import-untyped]
from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local import mongodb
from deploy.local.kafka.jars import VERSION
from deploy.local.plan import Addresses
from deploy.local.ports import HOST, free_port
from deploy.local.replica_set import until_writable

MONGODB_IMAGE = "mongo:7.0"
KAFKA_IMAGE = f"apache/kafka:{VERSION}"
ANSWER_SECONDS = 3
PULL_SECONDS = 120.0
READY_SECONDS = 60.0


def images() -> tuple[str, ...]:
    """The two, and testcontainers' own, which clears up after a test run that was killed."""
    reaper = () if testcontainers_config.ryuk_disabled else (testcontainers_config.ryuk_image,)
    return MONGODB_IMAGE, KAFKA_IMAGE, *reaper


def why_unavailable() -> str | None:
    """None if all images are here, pulling what is missing; else the reason, as half a sentence."""
    try:
        client = docker.from_env(timeout=ANSWER_SECONDS)
    except DockerException:
        return "no Docker engine answers"
    with contextlib.closing(client):
        for image in images():
            problem = _get(client, image)
            if problem:
                return f"Docker answers, but {image} can't be had: {problem}"
    return None


def _get(client: docker.DockerClient, image: str) -> str | None:
    try:
        client.images.get(image)
    except ImageNotFound:
        return _pull(image)
    except DockerException as error:
        return _first_line(error)
    return None


def _pull(image: str) -> str | None:
    """A pull has no deadline of its own: one that takes too long is left to a thread that ends with the process."""
    problems: list[str] = []
    thread = threading.Thread(target=_pull_into, args=(image, problems), daemon=True)
    thread.start()
    thread.join(PULL_SECONDS)
    if thread.is_alive():
        return f"the pull took more than {PULL_SECONDS:.0f} s"
    return problems[0] if problems else None


def _pull_into(image: str, problems: list[str]) -> None:
    try:
        with contextlib.closing(docker.from_env(timeout=int(PULL_SECONDS))) as client:
            client.images.pull(*image.rsplit(":", 1))
    except Exception as error:
        problems.append(_first_line(error))


def _first_line(error: Exception) -> str:
    words = str(getattr(error, "explanation", None) or error).strip()
    return (words.splitlines() or [type(error).__name__])[0][:200]


@contextlib.contextmanager
def started() -> Iterator[Addresses]:
    """Both containers, ready; gives their addresses."""
    mongodb_port = free_port(set())
    kafka_port = free_port({mongodb_port})
    with _mongodb(mongodb_port), _kafka(kafka_port):
        asyncio.run(_until_writable(mongodb_port))
        uri, bootstrap = mongodb.uri(mongodb_port), f"{HOST}:{kafka_port}"
        yield Addresses(mongodb_uri=uri, kafka_bootstrap_servers=bootstrap, brokers=1)


async def _until_writable(port: int) -> None:
    await asyncio.wait_for(until_writable(port), READY_SECONDS)


def _mongodb(port: int) -> DockerContainer:
    """The same port inside and outside: a member of a replica set must find itself under its own address."""
    container = DockerContainer(MONGODB_IMAGE).with_bind_ports(port, port)
    return container.with_command(f"--replSet {mongodb.REPLICA_SET} --port {port} --bind_ip_all")


def _kafka(port: int) -> DockerContainer:
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_MAX_TIMEOUT_MS": "60000",
        "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    for name, value in environment.items():
        container = container.with_env(name, value)
    return container
