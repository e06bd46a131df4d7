"""A broker that loses its log while everything else runs, and what its operator does then."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from contracts.topics import SIGNALS
from deploy.local import processes
from deploy.local.folder import Folder
from deploy.local.kafka.cluster import KafkaCluster
from deploy.local.plan import Plan, connection
from deploy.lost_log import LostLogError
from deploy.topics import create_topics
from tests.e2e.command_line import when

BROKER = "kafka-1"


async def lose_log(folder: Folder, plan: Plan, *, holds_data: bool = True) -> None:
    """Kills the broker, deletes what it had written before it runs again, and creates the topics as documented.

    `holds_data`: MongoDB has data of the log, so that its loss is refused before it is accepted.
    """
    killed = processes.recorded(folder.processes)[BROKER]
    killed.send(signal.SIGKILL)
    _delete_records(KafkaCluster(1).folder(folder, 1).log)
    await when(lambda: processes.recorded(folder.processes)[BROKER] != killed)
    environment = os.environ | connection(plan.addresses) | plan.environment
    if holds_data:
        with pytest.raises(LostLogError):
            await create_topics(environment)
    assert SIGNALS.name in await create_topics(environment, accept_lost_log=True)


def _delete_records(log: Path) -> None:
    for path in log.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in ("meta.properties", "bootstrap.checkpoint"):
            path.unlink()
