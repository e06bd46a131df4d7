"""The seven services as processes, for tests that look at them from outside, and kill them."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import PLAYBOOK_EVENTS, RUN_EVENTS
from deploy.local import stack, tokens
from deploy.local.folder import Folder
from deploy.local.health import is_ready
from deploy.local.plan import Addresses, Plan, Wishes
from deploy.local.supervisor import Control
from deploy.local.waiting import until
from tests.infrastructure import Infrastructure, Kind, given_mongodb

READY_SECONDS = 60.0
PLENTY = 1_000_000
"""Requests a minute: what is under test is not the limit."""
WEBHOOKS = {"NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]', "NOTIFIER_WEBHOOK_TIMEOUT_SECONDS": "5"}
"""The tests' own endpoints are on this machine."""


class RunningStack:
    def __init__(self, folder: Folder, plan: Plan, database_prefix: str) -> None:
        self.folder = folder
        self.plan = plan
        self.database_prefix = database_prefix
        self._control = Control(plan)

    @property
    def mongodb_uri(self) -> str:
        return self.plan.addresses.mongodb_uri

    @property
    def bootstrap_servers(self) -> str:
        return self.plan.addresses.kafka_bootstrap_servers

    @property
    def gateway_url(self) -> str:
        return self.url("gateway")

    def url(self, service: str) -> str:
        return self.plan.programs[service].url

    def log(self, service: str) -> str:
        return self.folder.log(service).read_text(errors="replace")

    def token(
        self,
        organization_id: str = tokens.ORGANIZATION,
        subject: str = tokens.SUBJECT,
        roles: Sequence[str] = (),
        permissions: Sequence[str] = tokens.PERMISSIONS,
        ttl_seconds: int = 3600,
    ) -> str:
        return tokens.make_token(self.folder.jwt_secret(), subject, organization_id, roles, permissions, ttl_seconds)

    def pid(self, program: str) -> int:
        """0 while it does not run."""
        return int(self._control.states()[program]["pid"])

    def kill(self, program: str) -> int:
        """Kills -9 a service, mongod or broker and gives the pid that it had; supervisord starts it again at once."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextlib.contextmanager
    def frozen(self, program: str) -> Iterator[None]:
        """It hangs instead of dying: its connections stay open, and supervisord does not start it again."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def until_ready(self, service: str, after_pid: int = 0, seconds: float = READY_SECONDS) -> None:
        """Waits until the service runs, under another pid than the killed one, and answers that it is ready."""

        async def ready() -> bool:
            return self.pid(service) not in (0, after_pid) and await is_ready(self.plan.ports[service])

        await asyncio.wait_for(until(ready), seconds)

    async def kill_and_wait(self, service: str) -> None:
        await self.until_ready(service, after_pid=self.kill(service))


@contextlib.contextmanager
def provide(
    kind: Kind,
    path: Path,
    shared: Infrastructure | None,
    settings: Mapping[str, str] | None = None,
    brokers: int = 1,
) -> Iterator[RunningStack]:
    """All services, with these settings over the usual ones; on an embedded MongoDB and broker of their own, so that no
    other test's consumers take part, or on the shared ones where those are somebody else's."""
    folder = Folder(path)
    prefix = f"test_{uuid.uuid4().hex[:12]}"
    external = shared.addresses if shared and kind != "embedded" else None
    over = {"DATABASE_PREFIX": prefix, "RATE_LIMIT_PER_MINUTE": str(PLENTY), **WEBHOOKS, **(settings or {})}
    mongodb_uri = None if external else given_mongodb()
    wishes = Wishes(brokers=brokers, ports={"gateway": 0}, external=external, mongodb_uri=mongodb_uri, environment=over)
    if external:
        asyncio.run(asyncio.wait_for(until(lambda: _analytics_begins_anew(external)), READY_SECONDS))
    started = stack.up(folder, wishes, report=lambda _: None)
    try:
        yield RunningStack(folder, started.plan, prefix)
    finally:
        stack.down(folder)


async def _analytics_begins_anew(addresses: Addresses) -> bool:
    """Its database is a new one, which is behind for ever where another stack's group has read on the same broker.

    False while that group is still leaving.
    """
    try:
        for topic in (RUN_EVENTS, PLAYBOOK_EVENTS):
            servers, group = addresses.kafka_bootstrap_servers, topic.group("analytics")
            async with AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False) as reader:
                await reader._client.force_metadata_update()
                places = [TopicPartition(topic.name, p) for p in reader.partitions_for_topic(topic.name) or ()]
                reader.assign(places)
                await reader.commit(dict.fromkeys(places, 0))
    except KafkaError:
        return False
    return True
