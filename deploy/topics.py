"""Creates the topics of `contracts.topics` on the broker that the environment names: `python -m deploy.topics`."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import FOREVER, TOPICS, Topic

BROKER_SECONDS = 60.0
"""How long a broker that is still starting is waited for."""


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
    """Creates what is missing, waiting for the broker up to BROKER_SECONDS; gives the names that were created."""
    client = await _connected(environment["KAFKA_BOOTSTRAP_SERVERS"])
    try:
        missing = await _missing(client)
        wanted = [new_topic(topic, environment) for topic in TOPICS if topic.name in missing]
        if wanted:
            _check(await client.create_topics(wanted))
        return [topic.name for topic in wanted]
    finally:
        await client.close()


async def _missing(client: AIOKafkaAdminClient) -> set[str]:
    return {topic.name for topic in TOPICS} - set(await client.list_topics())


async def _connected(bootstrap_servers: str) -> AIOKafkaAdminClient:
    deadline = time.monotonic() + BROKER_SECONDS
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


def _check(response: Any) -> None:
    """Raises TopicsError for the first topic that was refused; one that somebody else has just made is fine."""
    for name, code, *message in response.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise TopicsError(
                f"The broker refused topic {name}: {for_code(code).__name__} {' '.join(filter(None, message))}"
            )


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
    print(f"Created {len(created)} of {len(TOPICS)} topics; the others were there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
