"""`python -m services.run_engine.incidents`: the runs to which a command was set aside, and their release.

Without arguments it lists them. `release RUN_ID` sends the commands that the incident has set aside again, in the order
in which they had come, once what went wrong is mended; a command that had been taken all the same is recognised and
changes nothing. `dismiss RUN_ID` takes the mark away and leaves the commands where they are parked, for good. Ends with
0; with 1 where the run has no incident; with 2 where MongoDB or Kafka does not answer.
"""

import argparse
import asyncio
import sys
from base64 import b64decode
from collections.abc import Sequence

import orjson
from aiokafka.errors import KafkaError

from contracts.topics import RUN_COMMANDS, Topic
from contracts.values import rfc3339
from services.run_engine.settings import Settings
from services.run_engine.store import RunStore
from shared.kafka import Batch, Publisher, Replay
from shared.messages import OutgoingMessage
from shared.mongo import Document, Mongo, StoreFault
from shared.settings import load_settings

DONE, NO_INCIDENT, NOT_REACHED = 0, 1, 2
_PARKED = Topic(RUN_COMMANDS.parked, RUN_COMMANDS.key, ("run_engine",), ("operators",), "")


def main(settings: Settings, arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(settings, options.action, options.run_id))
    except (StoreFault, KafkaError, OSError) as fault:
        sys.stderr.write(f"MongoDB or Kafka does not answer: {str(fault)[:200]}\n")
        return NOT_REACHED


async def _run(settings: Settings, action: str, run_id: str | None) -> int:
    mongo = Mongo(settings, "run_engine")
    try:
        store = RunStore(mongo, cache_size=0)
        if run_id is None:
            return await _list(store)
        incident = await store.incident(run_id)
        if incident is None:
            sys.stderr.write(f"{run_id} has no incident.\n")
            return NO_INCIDENT
        if action == "release":
            await release(settings, store, run_id, incident)
        else:
            await store.clear_incident(run_id, incident)
            _say(f"{run_id}: dismissed; its commands stay on {_PARKED.name}.")
        return DONE
    finally:
        await mongo.close()


async def _list(store: RunStore) -> int:
    found = 0
    async for run_id, organization_id, incident in store.incidents():
        found += 1
        what = f"{incident['command']} at {rfc3339(incident['at'])}: {incident['error']}"
        _say(f"{run_id}  {organization_id}  {what}")
    _say(f"{found} runs have an incident." if found else "No run has an incident.")
    return DONE


async def release(settings: Settings, store: RunStore, run_id: str, incident: Document) -> None:
    """The mark goes after the commands are out: should one fail again meanwhile, its new mark stays."""
    commands = await _parked(settings, run_id, incident.get("since"))
    publisher = Publisher(settings, "hera-run_engine-incidents")
    await publisher.start()
    try:
        await publisher.publish(commands)
    finally:
        await publisher.stop()
    await store.clear_incident(run_id, incident)
    kinds = ", ".join(command.type for command in commands) or "none is parked any more"
    _say(f"{run_id}: {len(commands)} commands sent again ({kinds}).")


async def _parked(settings: Settings, run_id: str, since: Document | None) -> list[OutgoingMessage]:
    """The run's commands on the parking topic, each once, in the order in which they came. Those of incidents before
    `since`, which were released or dismissed, are none of them; None, of older marks: all."""
    found: dict[tuple[int, int], OutgoingMessage] = {}

    async def look(records: Batch) -> None:
        for record in records:
            parked = orjson.loads(record.value or b"{}")
            if b64decode(parked.get("key_base64") or b"") != run_id.encode() or not parked.get("value_base64"):
                continue
            value = b64decode(parked["value_base64"])
            place = parked["partition"], parked["offset"]
            if since and place[0] == since["partition"] and place[1] < since["offset"]:
                continue
            found[place] = OutgoingMessage(RUN_COMMANDS.name, run_id, value, _type_of(value))

    async with Replay(settings, _PARKED) as replay:
        await replay.up_to_now(look)
    return [found[place] for place in sorted(found)]


def _type_of(value: bytes) -> str:
    try:
        return str(orjson.loads(value)["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "what is no command"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.run_engine.incidents", description="Runs to which a command was set aside."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, what in (("release", "send its parked commands again"), ("dismiss", "take the mark away, send nothing")):
        actions.add_parser(name, help=what).add_argument("run_id")
    parser.set_defaults(run_id=None)
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(load_settings(Settings)))
