"""Creates the topics of `contracts.topics` on the broker that the environment names: `python -m deploy.topics`."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    NotControllerError,
    RequestTimedOutError,
    TopicAlreadyExistsError,
    for_code,
)

from contracts.topics import FOREVER, TOPICS, Topic
from shared.messages import MAX_MESSAGE_BYTES

BROKER_SECONDS = 240.0
"""How long a broker that is still starting is waited for."""
GATHERING = (InvalidReplicationFactorError, NotControllerError, RequestTimedOutError)


class TopicsError(Exception):
    """A sentence that says which topic the broker refused, or that no broker answers."""


def new_topic(topic: Topic, environment: Mapping[str, str]) -> NewTopic:
    """The topic with the installation's partitions and replicas (KAFKA_PARTITIONS, KAFKA_REPLICATION_FACTOR,
    KAFKA_MIN_INSYNC_REPLICAS)."""
    retention = -1 if topic.retention_seconds == FOREVER else topic.retention_seconds * 1000
    return NewTopic(
        topic.name,
        topic.partitions or int(environment["KAFKA_PARTITIONS"]),
        int(environment["KAFKA_REPLICATION_FACTOR"]),
        topic_configs={
            "retention.ms": str(retention),
            "cleanup.policy": topic.cleanup,
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "min.insync.replicas": environment["KAFKA_MIN_INSYNC_REPLICAS"],
        },
    )


async def missing_topics(bootstrap_servers: str) -> set[str]:
    """Names of our topics that the broker does not have. Raises KafkaError when it does not answer."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await client.start()
    try:
        return await _missing(client)
    finally:
        await client.close()


async def create_topics(environment: Mapping[str, str]) -> list[str]:
    """Creates what is missing, waiting for a broker, or enough of them, up to BROKER_SECONDS; gives the names."""
    deadline = time.monotonic() + BROKER_SECONDS
    client = await _connected(environment["KAFKA_BOOTSTRAP_SERVERS"], deadline)
    try:
        missing = await _missing(client)
        wanted = [new_topic(topic, environment) for topic in TOPICS if topic.name in missing]
        while wanted and (refused := _refused(await client.create_topics(wanted), deadline)):
            wanted = [topic for topic in wanted if topic.name in refused]
            await asyncio.sleep(0.2)
        return sorted(missing)
    finally:
        await client.close()


async def _missing(client: AIOKafkaAdminClient) -> set[str]:
    return {topic.name for topic in TOPICS} - set(await client.list_topics())


async def _connected(bootstrap_servers: str, deadline: float) -> AIOKafkaAdminClient:
    while True:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            await client.close()
            if time.monotonic() > deadline:
                raise TopicsError(f"No Kafka broker answers at {bootstrap_servers}: {error}") from error
            await asyncio.sleep(0.1)
        else:
            return client


def _refused(response: Any, deadline: float) -> set[str]:
    """Names to try again, while a cluster is still gathering its brokers; one that exists already is fine."""
    refused = set()
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if error in GATHERING and time.monotonic() < deadline:
            refused.add(name)
        elif code and error is not TopicAlreadyExistsError:
            reason = " ".join(filter(None, message))
            raise TopicsError(f"The broker refused topic {name}: {error.__name__} {reason}")
    return refused


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is still starting is no news
    try:
        created = asyncio.run(create_topics(os.environ))
    except KeyError as error:
        print(f"{error.args[0]} is not set; deploy/profiles/ lists the settings.", file=sys.stderr)
        return 2
    except (TopicsError, KafkaError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(created)} topics created, {len(TOPICS) - len(created)} were there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
