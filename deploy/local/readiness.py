"""Waits for programs that are starting, and tells when one of them ends instead."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka.errors import KafkaError

from deploy.local import mongodb
from deploy.local.errors import StackError
from deploy.local.folder import Folder
from deploy.local.health import is_ready
from deploy.local.plan import Plan, connection
from deploy.local.replica_set import until_writable
from deploy.local.supervisor import ENDED, Control, last_line
from deploy.local.waiting import until
from deploy.lost_log import LostLogError
from deploy.topic_settings import TopicSettingsError
from deploy.topics import TopicsError, create_topics, missing_topics
from shared.kafka_settings import KafkaSettingsError
from shared.mongo_connection import MongoConnectionError

READY_SECONDS = 240.0
LOST_LOG_CHOICES = """\
- To continue without what was in the lost log: make up ACCEPT_LOST_LOG=1
- To restore it: put back the folder data/kafka-of-… of the data folder (make down first).
- To start from nothing: make down, then delete the data folder (HERA_DATA_DIR, or .data/local)."""
Report = Callable[[str], None]


async def until_infrastructure(plan: Plan, report: Report, accept_lost_log: bool) -> None:
    """Waits until MongoDB takes writes and Kafka has all topics; creates those that are missing.

    Raises:
        StackError: A program does not get ready, or the log was lost that MongoDB's data belongs to.
    """
    bootstrap_servers = plan.addresses.kafka_bootstrap_servers
    environment = os.environ | connection(plan.addresses) | plan.environment
    brokers = [name for name in plan.names("infrastructure") if name != mongodb.NAME]
    waits = [_timed("kafka", _until_kafka_answers(bootstrap_servers, environment), bootstrap_servers, report, brokers)]
    if mongodb.NAME in plan.programs:
        waits.append(_timed(mongodb.NAME, until_writable(plan.ports[mongodb.NAME]), plan.addresses.mongodb_uri, report))
    await asyncio.gather(*waits)
    await _create_topics(environment, accept_lost_log)
    await until(lambda: _has_topics(bootstrap_servers, environment))


async def _create_topics(environment: dict[str, str], accept_lost_log: bool) -> None:
    try:
        await create_topics(environment, accept_lost_log=accept_lost_log)
    except LostLogError as error:
        raise StackError(f"{error}\n{LOST_LOG_CHOICES}") from error
    except (MongoConnectionError, TopicsError, TopicSettingsError, KafkaSettingsError) as error:
        raise StackError(str(error)) from error


async def until_services(plan: Plan, names: list[str], report: Report) -> None:
    """Each answers its `/health/ready` with 200."""
    urls = {name: plan.programs[name].url for name in names}
    await asyncio.gather(*(_timed(name, _until_ready(plan.ports[name]), urls[name], report) for name in names))


async def unless_ended(work: Awaitable[None], folder: Folder, control: Control, names: list[str]) -> None:
    """Awaits the work. Raises StackError when one of the programs ends before that is done."""
    watch = asyncio.ensure_future(_until_one_ends(folder, control, names))
    waiting = asyncio.ensure_future(work)
    try:
        await asyncio.wait({watch, waiting}, return_when=asyncio.FIRST_COMPLETED)
        await (waiting if waiting.done() else watch)
    finally:
        watch.cancel()
        waiting.cancel()
        await asyncio.gather(watch, waiting, return_exceptions=True)


async def _until_one_ends(folder: Folder, control: Control, names: list[str]) -> None:
    pids: dict[str, int] = {}
    while True:
        states = control.states()
        for name in names:
            pid = states[name]["pid"]
            if states[name]["statename"] in ENDED or (pid and pids.setdefault(name, pid) != pid):
                raise StackError(f"{name} ended while it was starting: {last_line(folder, name)}")
        await asyncio.sleep(0.2)


async def _until_ready(port: int) -> None:
    await until(lambda: is_ready(port), every_seconds=0.1)


async def _until_kafka_answers(bootstrap_servers: str, environment: Mapping[str, str]) -> None:
    await until(lambda: _kafka_answers(bootstrap_servers, environment))


async def _kafka_answers(bootstrap_servers: str, environment: Mapping[str, str]) -> bool:
    return await _find_missing_topics(bootstrap_servers, environment) is not None


async def _has_topics(bootstrap_servers: str, environment: Mapping[str, str]) -> bool:
    return await _find_missing_topics(bootstrap_servers, environment) == set()


async def _find_missing_topics(bootstrap_servers: str, environment: Mapping[str, str]) -> set[str] | None:
    """Returns None while no broker answers."""
    try:
        return await missing_topics(bootstrap_servers, environment)
    except (KafkaError, OSError):
        return None


async def _timed(name: str, wait: Awaitable[None], where: str, report: Report, programs: Sequence[str] = ()) -> None:
    started = time.monotonic()
    try:
        await asyncio.wait_for(wait, READY_SECONDS)
    except TimeoutError:
        logs = " ".join(programs or [name])
        raise StackError(f'{name}: not ready in {READY_SECONDS:.0f} s; see `make logs NAME="{logs}"`.') from None
    report(f"  {name:<18} ready in {time.monotonic() - started:4.1f} s   {where}")
