"""The local stack's command line, as a person or a crash would use it; mostly without the services, for speed."""

import json
import os
import signal
import socket
from pathlib import Path

import pymongo
import pytest
from aiokafka.errors import KafkaError

from deploy.local import processes
from deploy.local.kafka.cluster import KafkaCluster
from deploy.local.ports import free_port
from deploy.local.supervisor import Control
from deploy.local.waiting import until
from deploy.topics import missing_topics
from tests.e2e.command_line import CommandLine, ended, when, within


async def test_up_and_down_say_what_is_so_and_start_what_is_missing(command: CommandLine) -> None:
    first = await command.up()
    assert (first.code, first.err) == (0, "")
    assert "mongod" in first.out and "Up in" in first.out
    assert await missing_topics(command.plan.addresses.kafka_bootstrap_servers) == set()
    again = await command.up()
    assert (again.code, again.out) == (0, "Already up: MongoDB and Kafka\n")
    Control(command.plan).stop("mongod")
    restarted = await command.up()
    assert restarted.code == 0 and command.identity("mongod").alive
    with command.folder.locked():
        assert "Another `up` or `down` is at work" in (await command.up()).err
    down = await command.run("down")
    assert (down.code, down.out) == (0, "Stopped: kafka-1, mongod, supervisord.\n")
    assert command.pids() == set()
    assert (await command.run("down")).out == "Nothing was running.\n"


async def test_mongodb_keeps_its_data_when_it_comes_back_on_another_port(command: CommandLine) -> None:
    await command.up()
    with pymongo.MongoClient[dict[str, object]](command.plan.addresses.mongodb_uri) as client:
        client.kept.things.insert_one({"_id": 1})
    await command.run("down")
    port = free_port({command.plan.ports["mongod"]})
    back = await command.up(HERA_MONGOD_PORT=str(port))
    assert back.code == 0, back.err
    with pymongo.MongoClient[dict[str, object]](f"mongodb://127.0.0.1:{port}/?replicaSet=rs0") as client:
        assert client.kept.things.find_one() == {"_id": 1}


async def test_a_killed_program_comes_back_and_the_broker_with_its_topics(command: CommandLine) -> None:
    await command.up()
    killed = {name: command.identity(name) for name in ("mongod", "kafka-1")}
    for identity in killed.values():
        identity.send(signal.SIGKILL)
    await when(lambda: all(command.identity(name) != identity for name, identity in killed.items()))
    servers = command.plan.addresses.kafka_bootstrap_servers
    await within(until(lambda: _has_topics(servers)))


async def _has_topics(bootstrap_servers: str) -> bool:
    try:
        return not await missing_topics(bootstrap_servers)
    except (KafkaError, OSError):
        return False


async def test_nothing_outlives_a_killed_supervisord_and_up_starts_anew(command: CommandLine) -> None:
    await command.up()
    command.identity("supervisord").send(signal.SIGKILL)
    await command.until_nothing_runs()
    assert (await command.run("status")).code == 1
    assert (await command.up()).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_up_leaves_nothing(command: CommandLine, number: signal.Signals) -> None:
    process = await command.start("up", "--only", "infrastructure")
    await when(lambda: {"mongod", "kafka-1"} <= processes.recorded(command.folder.processes).keys())
    process.send_signal(number)
    end = await ended(process)
    assert end.code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    await command.until_nothing_runs()


async def test_a_taken_port_is_named_with_the_setting_that_moves_it(command: CommandLine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        end = await command.run("up", HERA_GATEWAY_PORT=port)
    assert end.code == 1
    assert f"Port {port}" in end.err and "HERA_GATEWAY_PORT" in end.err and end.err.count("\n") == 1
    assert command.pids() == set()


async def test_a_service_that_ends_at_its_start_is_named_with_its_words_and_leaves_nothing(
    command: CommandLine,
) -> None:
    end = await command.run("up", LOG_LEVEL="NOISY")
    assert end.code == 1
    assert "ended while it was starting: LOG_LEVEL=NOISY" in end.err and end.err.count("\n") == 1
    assert command.pids() == set()


async def test_a_missing_library_is_named_with_its_package(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "libcurl.so.4").touch()
    end = await command.up(LD_LIBRARY_PATH=str(tmp_path))
    assert end.code == 1
    assert "apt-get install libcurl4" in end.err and end.err.count("\n") == 1


async def test_what_an_earlier_start_left_is_no_obstacle_and_no_stranger_is_stopped(command: CommandLine) -> None:
    folder = command.folder
    folder.prepare()
    folder.state.write_text("{")
    (folder.path / "supervisord.pid").write_text("1\n")
    mine = processes.identity_of(os.getpid())
    assert mine is not None
    stranger = {"pid": mine.pid, "started": mine.started - 1, "boot": mine.boot}
    (folder.processes / "mongod.json").write_text(json.dumps(stranger))
    (folder.data("mongod")).mkdir(parents=True)
    (folder.data("mongod") / "mongod.lock").write_text("4711\n")
    log = KafkaCluster(1).folder(folder, 1).log
    log.mkdir(parents=True)
    (log / ".lock").touch()
    (log / "bootstrap.checkpoint").write_bytes(b"half")
    end = await command.up()
    assert end.code == 0, end.err


async def test_a_token_is_all_that_token_prints(command: CommandLine) -> None:
    end = await command.run("token", "--sub", "ann", "--org", "org_1", "--roles", "a,b", "--ttl", "60")
    assert end.code == 0 and end.err == ""
    assert len(end.out.split()) == 1 and end.out.count(".") == 2
    assert (command.folder.path / "jwt.secret").stat().st_mode & 0o077 == 0
