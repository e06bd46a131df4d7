"""`make test-three-brokers`: the integration and end-to-end tests on three brokers of Apache Kafka."""

import asyncio
import logging
import os
import shutil
import subprocess
import sys

from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPICS
from deploy.local import stack
from deploy.local.errors import StackError
from deploy.local.folder import CHECKOUT, Folder
from deploy.local.plan import Addresses, Wishes, connection
from deploy.local.waiting import until
from deploy.topics import create_topics, missing_topics

SUITES = (
    ["tests/integration"],
    # These start stacks of their own.
    ["tests/e2e", "--ignore=tests/e2e/test_local_stack.py", "--ignore=tests/e2e/test_durable_log.py"],
)


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Folder(CHECKOUT / ".data" / "test-three-brokers")
    try:
        stack.down(folder)
        shutil.rmtree(folder.path, ignore_errors=True)
        started = stack.up(folder, Wishes(brokers=3), ("infrastructure",))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return _run_suites(started.plan.addresses)
    finally:
        stack.down(folder)


def _run_suites(addresses: Addresses) -> int:
    """Each suite in a process of its own on topics that hold nothing of the other's."""
    environment = os.environ | {
        "TEST_MONGODB_URI": addresses.mongodb_uri,
        "TEST_KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
        "TEST_KAFKA_BROKERS": str(addresses.brokers),
    }
    for suite in SUITES:
        asyncio.run(_empty_topics(addresses))
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *suite, *sys.argv[1:]], env=environment, check=False
        ).returncode
        if code:
            return code
    return 0


async def _empty_topics(addresses: Addresses) -> None:
    names = {topic.name for topic in TOPICS}
    client = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap_servers)
    await client.start()
    try:
        await client.delete_topics(sorted(names - await missing_topics(addresses.kafka_bootstrap_servers)))
    finally:
        await client.close()
    await asyncio.wait_for(until(lambda: _are_gone(addresses, names)), 30)
    await create_topics(connection(addresses))


async def _are_gone(addresses: Addresses, names: set[str]) -> bool:
    return await missing_topics(addresses.kafka_bootstrap_servers) == names


if __name__ == "__main__":
    sys.exit(main())
