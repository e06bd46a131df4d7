"""Creates the topics of `contracts.topics` on the brokers that the environment names: `python -m deploy.topics`.

ACCEPT_LOST_LOG=1 creates them also where MongoDB holds the data of a log that is gone.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
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
from pymongo.errors import PyMongoError

from contracts.topics import FOREVER, SIGNALS, TOPICS, Topic, signal_topic
from deploy.lost_log import LostLogError, require_log
from deploy.topic_settings import TopicSettingsError, required_settings, update_settings
from shared.kafka_settings import KafkaSettings, KafkaSettingsError, connection_options, read_kafka_settings
from shared.messages import MAX_MESSAGE_BYTES
from shared.mongo_connection import MongoConnectionError, explain_refusal

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
            **required_settings(topic),
        },
    )


def source_topics(environment: Mapping[str, str]) -> list[Topic]:
    """Returns the topics that sources of signals have for themselves, by SIGNAL_SOURCES of the run engine.

    Raises:
        TopicsError: The variable is no JSON object of sources.
    """
    names = set(signal_sources(environment).values())
    return [signal_topic(name) for name in sorted(names - {SIGNALS.name})]


def signal_sources(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the topic that each source of SIGNAL_SOURCES writes to, by its name. Raises TopicsError."""
    try:
        sources = json.loads(environment.get("SIGNAL_SOURCES") or "{}")
        return {name: source.get("topic", SIGNALS.name) for name, source in sources.items()}
    except (ValueError, AttributeError):
        raise TopicsError("SIGNAL_SOURCES must be a JSON object of sources, see docs/signals.md") from None


async def missing_topics(bootstrap_servers: str, environment: Mapping[str, str] = os.environ) -> set[str]:
    """Names of our topics that the broker does not have. Raises KafkaError when it does not answer."""
    client = AIOKafkaAdminClient(**connection_options(read_kafka_settings(environment, bootstrap_servers)))
    await client.start()
    try:
        return await _missing(client)
    finally:
        await client.close()


async def create_topics(environment: Mapping[str, str], *, accept_lost_log: bool = False) -> list[str]:
    """Creates the missing topics and returns their names; corrects the settings of the others.

    Waits up to BROKER_SECONDS for enough brokers.

    Raises:
        LostLogError: The log is gone that MongoDB's data was written through, and `accept_lost_log` is false.
        TopicsError: No broker answers, or one refuses a topic.
        TopicSettingsError: A broker refuses to change a topic's settings.
    """
    deadline = time.monotonic() + BROKER_SECONDS
    client = await _connected(read_kafka_settings(environment), deadline)
    try:
        topics = [*TOPICS, *source_topics(environment)]
        missing = {topic.name for topic in topics} - set(await client.list_topics())
        wanted = [new_topic(topic, environment) for topic in topics if topic.name in missing]
        if not accept_lost_log:
            # A broker that has just started may not have read the cluster's topics yet; its controller knows them.
            await require_log(environment, await _create(client, wanted, deadline, validate_only=True))
        await update_settings(client, [topic for topic in topics if topic.name not in missing])
        return sorted(await _create(client, wanted, deadline))
    finally:
        await client.close()


async def _create(
    client: AIOKafkaAdminClient, wanted: Sequence[NewTopic], deadline: float, *, validate_only: bool = False
) -> set[str]:
    """Creates topics, or only asks whether it could, and returns the names of those that did not exist."""
    created: set[str] = set()
    while wanted:
        results = _results(await client.create_topics(list(wanted), validate_only=validate_only), deadline)
        created |= {name for name, result in results.items() if result is _Result.CREATED}
        wanted = [topic for topic in wanted if results[topic.name] is _Result.TRY_AGAIN]
        if wanted:
            await asyncio.sleep(0.2)
    return created


async def _missing(client: AIOKafkaAdminClient) -> set[str]:
    return {topic.name for topic in TOPICS} - set(await client.list_topics())


async def _connected(settings: KafkaSettings, deadline: float) -> AIOKafkaAdminClient:
    while True:
        client = AIOKafkaAdminClient(**connection_options(settings))
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            await client.close()
            if time.monotonic() > deadline:
                raise TopicsError(f"No Kafka broker answers at {settings.kafka_bootstrap_servers}: {error}") from error
            await asyncio.sleep(0.1)
        else:
            return client


def _results(response: Any, deadline: float) -> dict[str, "_Result"]:
    """Returns what became of each topic; those to try again are refused by a cluster that gathers its brokers."""
    results = {}
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if error in GATHERING and time.monotonic() < deadline:
            results[name] = _Result.TRY_AGAIN
        elif error is TopicAlreadyExistsError:
            results[name] = _Result.EXISTS
        elif code:
            reason = " ".join(filter(None, message))
            raise TopicsError(f"The broker refused topic {name}: {error.__name__} {reason}")
        else:
            results[name] = _Result.CREATED
    return results


class _Result(Enum):
    CREATED = auto()
    EXISTS = auto()
    TRY_AGAIN = auto()


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is still starting is no news
    try:
        accept_lost_log = os.environ.get("ACCEPT_LOST_LOG") == "1"
        created = asyncio.run(create_topics(os.environ, accept_lost_log=accept_lost_log))
    except KeyError as error:
        print(f"{error.args[0]} is not set; deploy/kafka.env lists Kafka's settings.", file=sys.stderr)
        return 2
    except LostLogError as error:
        print(f"{error} Restore the log, or set ACCEPT_LOST_LOG=1 to continue without it.", file=sys.stderr)
        return 1
    except PyMongoError as error:
        told = explain_refusal(error) or f"MongoDB does not answer at MONGODB_URI: {str(error)[:300]}"
        print(told, file=sys.stderr)
        return 1
    except (MongoConnectionError, TopicsError, TopicSettingsError, KafkaSettingsError, KafkaError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(created)} topics created, {len(TOPICS) - len(created)} were there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
