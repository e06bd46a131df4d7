"""Principals that reach for what is not theirs, and somebody who is none, at brokers that demand one."""

import os
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from contracts.topics import PLAYBOOK_EVENTS, RUN_COMMANDS, RUN_EVENTS, SIGNALS
from deploy.acls import OPERATOR, WORKER
from deploy.topics import create_topics
from shared.kafka_settings import connection_options, read_kafka_settings
from tests.e2e.test_other_producers import OWN_TOPIC
from tests.running_stack import RunningStack
from tests.secured.certificates import Authority
from tests.secured.cluster import ADMIN, settings_of


def options(stack: RunningStack, authority: Authority, user: str) -> dict[str, Any]:
    return connection_options(read_kafka_settings(settings_of(user, authority), stack.bootstrap_servers))


async def writes(stack: RunningStack, authority: Authority, user: str, topic: str) -> bool:
    async with AIOKafkaProducer(**options(stack, authority, user)) as producer:
        try:
            await producer.send_and_wait(topic, b"{}", partition=0)
        except TopicAuthorizationFailedError:
            return False
    return True


async def reads(stack: RunningStack, authority: Authority, user: str, topic: str) -> bool:
    async with AIOKafkaConsumer(**options(stack, authority, user)) as consumer:
        if topic not in await consumer.topics():
            return False  # not even its name is told
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        try:
            await consumer.seek_to_beginning(partition)
            await consumer.getmany(partition, timeout_ms=2000)
        except TopicAuthorizationFailedError:
            return False
    return True


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("gateway", RUN_EVENTS.name),
        ("timeline", RUN_COMMANDS.name),
        ("automation", RUN_EVENTS.name),
        ("analytics", PLAYBOOK_EVENTS.name),
        ("run_engine", PLAYBOOK_EVENTS.name),
        (WORKER, RUN_COMMANDS.name),
        (WORKER, SIGNALS.name),
        ("crm", RUN_COMMANDS.name),
        ("crm", OWN_TOPIC),
        ("billing", SIGNALS.name),
        (OPERATOR, RUN_EVENTS.name),
    ],
)
async def test_a_principal_can_not_write_where_it_has_no_business(
    stack: RunningStack, authority: Authority, user: str, topic: str
) -> None:
    assert not await writes(stack, authority, user, topic)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("crm", RUN_EVENTS.name),
        (WORKER, RUN_EVENTS.name),
        ("gateway", RUN_EVENTS.name),
        ("analytics", RUN_COMMANDS.name),
    ],
)
async def test_a_principal_can_not_read_what_is_not_for_it(
    stack: RunningStack, authority: Authority, user: str, topic: str
) -> None:
    assert await reads(stack, authority, ADMIN, topic)
    assert not await reads(stack, authority, user, topic)


async def test_a_source_writes_to_its_own_topic(stack: RunningStack, authority: Authority) -> None:
    assert await writes(stack, authority, "billing", OWN_TOPIC)
    assert await writes(stack, authority, "crm", SIGNALS.name)


@pytest.mark.parametrize(
    "changed", [{"KAFKA_SASL_USERNAME": "nobody"}, {"KAFKA_SASL_PASSWORD": "wrong"}, {"KAFKA_SSL_CA_FILE": ""}]
)
async def test_somebody_unknown_and_brokers_that_nobody_certified_are_refused(
    stack: RunningStack, authority: Authority, changed: dict[str, str]
) -> None:
    settings = read_kafka_settings(settings_of("gateway", authority) | changed, stack.bootstrap_servers)
    producer = AIOKafkaProducer(**connection_options(settings))
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()


async def test_a_connection_without_tls_is_refused(stack: RunningStack) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap_servers, request_timeout_ms=3000)
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()


async def test_the_operator_creates_topics(stack: RunningStack, authority: Authority) -> None:
    environment = os.environ | stack.plan.programs["run_engine"].environment | settings_of(OPERATOR, authority)
    assert await create_topics(environment) == []
    more = {"SIGNAL_SOURCES": orjson.dumps({"new": {"topic": "playbook.signals.new"}}).decode()}
    assert await create_topics(environment | more) == ["playbook.signals.new"]
