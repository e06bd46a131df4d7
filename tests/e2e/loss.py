"""Brokers that lose their log while everything else runs, and what their operator does then."""

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

KEPT = ("meta.properties", "bootstrap.checkpoint")
"""What formatting has written: the cluster's id, and its first users."""


async def lose_log(folder: Folder, plan: Plan, *, holds_data: bool = True) -> None:
    """Kills the brokers, deletes what they had written before they run again, and creates the topics as documented.

    `holds_data`: MongoDB has data of the log, so that its loss is refused before it is accepted.
    """
    cluster = KafkaCluster(sum(name.startswith("kafka-") for name in plan.programs))
    recorded = processes.recorded(folder.processes)
    killed = {f"kafka-{node}": recorded[f"kafka-{node}"] for node in cluster.nodes}
    for identity in killed.values():
        identity.send(signal.SIGKILL)
    for node in cluster.nodes:
        _delete_records(cluster.folder(folder, node).log)
    await when(lambda: all(processes.recorded(folder.processes)[name] != old for name, old in killed.items()))
    environment = os.environ | connection(plan.addresses) | plan.environment
    if holds_data:
        with pytest.raises(LostLogError):
            await create_topics(environment)
    assert SIGNALS.name in await create_topics(environment, accept_lost_log=True)


def _delete_records(log: Path) -> None:
    """In one moment, as the broker is on its way up again."""
    lost = log.rename(log.with_name("lost"))
    log.mkdir()
    for name in KEPT:
        shutil.copy(lost / name, log / name)
    shutil.rmtree(lost)
