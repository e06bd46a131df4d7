"""The gateway and the services that decide, in this process, on the real database; between them a log in memory.

The log delivers what the test wants delivered, again if it wants that, and a process dies at the point that it names:
before or after a write to the database or a publication, or before the commit. Everything else is what `build` makes.
"""

import asyncio
import uuid
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from aiokafka import TopicPartition
from pydantic import SecretStr

from contracts import topics
from contracts.envelope import ReplyAddress
from contracts.replies import Reply
from deploy.local.tokens import make_token
from services.gateway import main as gateway
from services.gateway.owners import CONSISTENCY, REPLAYED, Answer, Owner, Params
from services.gateway.settings import GatewaySettings
from services.notifier import main as notifier
from services.notifier.settings import NotifierSettings
from services.playbook_registry import main as registry
from services.playbook_registry.settings import Settings as RegistrySettings
from services.run_engine import main as engine
from services.run_engine.settings import Settings as EngineSettings
from shared.errors import Unavailable
from shared.kafka import NewerMessages
from shared.kafka.consumers import Consumption
from shared.messages import OutgoingMessage
from shared.mongo import Collection, Mongo
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.asking import GivenRecord, settings_on

SECRET = "a secret of at least thirty-two bytes"
WEBHOOKS_OF_AN_ORGANIZATION = 2
NOWHERE = "http://127.0.0.1:1"
WRITES = (
    "bulk_write",
    "find_one_and_update",
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "replace_one",
    "delete_one",
)
OWNERS = {"run_engine": (engine.build, EngineSettings), "playbook_registry": (registry.build, RegistrySettings),
          "notifier": (notifier.build, NotifierSettings)}  # fmt: skip


class Crash(BaseException):
    """The process is gone. Nothing of it handles that."""


class Life:
    """Of one process: it ends at the n-th point that it comes to, if it is told to."""

    def __init__(self) -> None:
        self.points_left: int | None = None
        self.has_ended = False

    def begin_anew(self) -> None:
        self.points_left, self.has_ended = None, False

    def point(self) -> None:
        """Raises Crash at the end, and whatever the process tries to do after it."""
        if self.points_left == 0:
            self.has_ended = True
        if self.has_ended:
            raise Crash
        if self.points_left is not None:
            self.points_left -= 1


class MortalCollection:
    """A collection of a process that may die before or after each write."""

    def __init__(self, collection: Collection, life: Life) -> None:
        self._collection, self._life = collection, life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._collection, name)
        if name not in WRITES:
            return found

        async def write(*arguments: Any, **options: Any) -> Any:
            self._life.point()
            result = await found(*arguments, **options)
            self._life.point()
            return result

        return write


class MortalMongo(Mongo):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.life = Life()

    def collection(self, name: str) -> Collection:
        return MortalCollection(super().collection(name), self.life)


@dataclass
class Log:
    """All topics, of one partition each, and the replies by command id."""

    records: dict[str, list[GivenRecord]] = field(default_factory=lambda: defaultdict(list))
    replies: dict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the events that a command has caused, by command id."""

    def append(self, messages: Sequence[OutgoingMessage]) -> None:
        for message in messages:
            records = self.records[message.topic]
            records.append(GivenRecord(message.value, message.key.encode(), message.topic, offset=len(records)))
            content = orjson.loads(message.value)
            if message.topic == topics.GATEWAY_REPLIES.name:
                self.replies[content["causation_id"]].append(Reply.model_validate(content["data"]))
            elif message.topic in _EVENTS:
                self.events[content["causation_id"]].add(content["id"])


_EVENTS = (topics.RUN_EVENTS.name, topics.PLAYBOOK_EVENTS.name, topics.POLICY_EVENTS.name)


class World:
    """`answers`: whether the services take a command while its request waits; otherwise it is answered 202."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self._infrastructure = infrastructure
        self.prefix = f"test_{uuid.uuid4().hex[:12]}"
        self.log = Log()
        self.answers = True
        self.services = {name: self._built(name) for name in OWNERS}
        self._taken: dict[tuple[str, str], int] = defaultdict(int)
        """How many records of a topic a service has committed."""
        self.gateway = gateway.build(self._settings(GatewaySettings, **_GATEWAY))
        transport = httpx.ASGITransport(self.gateway.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def open(self) -> None:
        for service in (*self.services.values(), self.gateway):
            await service.mongo.create_indexes(service.indexes)

    async def close(self) -> None:
        await self.http.aclose()
        for service in (*self.services.values(), self.gateway):
            database = service.mongo.collection("any").database
            await database.client.drop_database(database.name)
            await service.mongo.close()

    async def pump(self) -> None:
        """Delivers all that is in the log, and what comes of it."""
        while [name for name in self.services if await self._delivered(name)]:
            pass

    async def _delivered(self, name: str) -> bool:
        consumptions = self.services[name].consumers.consumptions
        found = [consumption for consumption in consumptions if self._rest(name, consumption)]
        for consumption in found:
            await self._deliver(name, consumption)
        return bool(found)

    def _rest(self, name: str, consumption: Consumption) -> tuple[GivenRecord, ...]:
        return tuple(self.log.records[consumption.topic.name][self._taken[name, consumption.topic.name] :])

    async def _deliver(self, name: str, consumption: Consumption) -> None:
        topic, records = consumption.topic.name, self._rest(name, consumption)
        finish = await consumption._handle(records)
        if finish is not None:
            await finish()
        _life(self.services[name]).point()
        self._taken[name, topic] += len(records)
        consumption.committed[TopicPartition(topic, 0)] = self._taken[name, topic]

    async def crash(self, name: str, at: int) -> bool:
        """Lets the service take what is in the log and die at that point; False if it has come to the end before."""
        life, others = _life(self.services[name]), asyncio.all_tasks()
        life.points_left = at
        try:
            while await self._delivered(name):
                pass
        except Crash:
            await asyncio.gather(*(asyncio.all_tasks() - others), return_exceptions=True)  # they die with it
            self.restart(name)
            return True
        life.points_left = None
        return False

    def restart(self, name: str) -> None:
        """It knows nothing of before, as after a rebalance. (To build it anew takes longer than all else.)"""
        for consumption in self.services[name].consumers.consumptions:
            consumption._assigned(())
        _life(self.services[name]).begin_anew()

    def position(self, name: str) -> dict[tuple[str, str], int]:
        return {place: taken for place, taken in self._taken.items() if place[0] == name}

    async def deliver_again(self, name: str, since: dict[tuple[str, str], int]) -> None:
        """To a new process, as after a crash that came before the commits since then."""
        self.restart(name)
        for consumption in self.services[name].consumers.consumptions:
            self._taken[name, consumption.topic.name] = since.get((name, consumption.topic.name), 0)
        await self.pump()

    async def forget_keys(self) -> None:
        """As MongoDB does a day after they were first used."""
        await self.gateway.mongo.collection("idempotency_keys").delete_many({})

    def _built(self, name: str) -> Service:
        build, kind = OWNERS[name]
        service: Service = build(self._settings(kind))  # type: ignore[operator]
        life = _life(service)

        async def publish(messages: Sequence[OutgoingMessage]) -> None:
            life.point()
            self.log.append(messages)
            life.point()

        service.publisher.publish = publish  # type: ignore[method-assign]
        return service

    def _settings(self, kind: Any, **over: Any) -> Any:
        own = _OWN.get(kind, {})
        return settings_on(self._infrastructure, kind, database_prefix=self.prefix, **own, **over)


_KEYS = {"encryption_keys": f"test:{b64encode(bytes(range(32))).decode()}"}
_OWN: dict[Any, dict[str, Any]] = {
    NotifierSettings: {
        "run_engine_url": NOWHERE,
        "notifier_webhooks_per_organization": WEBHOOKS_OF_AN_ORGANIZATION,
        **_KEYS,
    },
    EngineSettings: _KEYS,
}
_GATEWAY = {
    "jwt_secret": SecretStr(SECRET),
    "rate_limit_per_minute": 0,
    **{f"{name}_url": NOWHERE for name in ("registry", "run_engine", "timeline", "analytics", "notifier")},
}


def _life(service: Service) -> Life:
    assert isinstance(service.mongo, MortalMongo)
    return service.mongo.life


class LogRequester:
    """Puts commands into the log, and finds their replies there."""

    world: World

    def __init__(self, *_: Any) -> None:
        self.address = ReplyAddress(topic=topics.GATEWAY_REPLIES.name, partition=0)
        self.in_flight = 0
        self.newer = NewerMessages(None)

    def ready(self) -> bool:
        return True

    async def send(self, command: OutgoingMessage, _: float) -> None:
        self.world.log.append([command])

    async def ask(self, command_id: str, command: OutgoingMessage, _: float) -> Reply | None:
        self.world.log.append([command])
        if not self.world.answers:
            return None
        await self.world.pump()
        return self.world.log.replies[command_id][-1]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class OwnerHere(Owner):
    """Asks the service in this process."""

    world: World

    async def _send(self, method: str, path: str, params: Params, body: bytes | None) -> Answer:
        service = self.world.services[self.name]
        headers = {"Content-Type": "application/json", **service.token.headers}
        transport, address = httpx.ASGITransport(service.app), f"{path}?{urlencode(params)}"
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://owner") as http:
                found = await http.request(method, address, content=body, headers=headers)
        except (Crash, BaseExceptionGroup):
            self.world.restart(self.name)
            raise Unavailable(f"{self.name} died") from None
        return Answer(found.status_code, found.content, *map(found.headers.get, (CONSISTENCY, "ETag", REPLAYED)))


@dataclass(frozen=True)
class Call:
    """A request that changes something."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    who: str = "ann"
    if_match: str | None = None


@dataclass(frozen=True)
class Organization:
    """One organization of the world, and its people."""

    world: World
    organization_id: str = field(default_factory=lambda: f"org_{uuid.uuid4().hex[:12]}")

    async def ask(self, call: Call, key: str | None = None, *, asynchronous: bool = False) -> httpx.Response:
        headers = self._headers(call.who)
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"Prefer": "respond-async"} if asynchronous else {}
        headers |= {"If-Match": call.if_match} if call.if_match else {}
        content = None if call.body is None else {"organization_id": self.organization_id, **call.body}
        return await self.world.http.request(call.method, f"/api/v1{call.path}", json=content, headers=headers)

    async def done(self, call: Call) -> Any:
        """The data that the call is answered with."""
        answer = await self.ask(call)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    async def read(self, path: str) -> Any:
        """Data or error."""
        answer = await self.world.http.get(f"/api/v1{path}", headers=self._headers("ann"))
        return answer.json().get("data") or answer.json()["error"]

    def _headers(self, who: str) -> dict[str, str]:
        roles = ("clerk",) if who in ("ann", "bob") else ()
        token = make_token(SECRET, who, self.organization_id, roles, _PERMISSIONS, 3600)
        return {"Authorization": f"Bearer {token}"}


_PERMISSIONS = tuple(
    f"{resource}:{action}"
    for resource, actions in {
        "playbook": ("create", "read", "update", "delete"),
        "run": ("create", "read", "read_sensitive", "update"),
        "step": ("complete",),
        "policy": ("read", "update"),
        "webhook": ("manage", "read"),
        "data": ("erase",),
        "secret": ("manage", "read"),
        "key": ("rotate",),
    }.items()
    for action in actions
)
