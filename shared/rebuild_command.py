"""The command around a rebuild: `python -m services.<projection>.rebuild [--replace]`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import orjson
from aiokafka.errors import KafkaError

from shared.kafka.newer import NewerMessage
from shared.mongo import StoreFault
from shared.rebuild import Differences, Projection, rebuilding
from shared.settings import ServiceSettings

EQUAL, DIFFERS, IMPOSSIBLE = 0, 1, 2
_SHOWN = 5


def main(projection: Projection, settings: ServiceSettings, arguments: Sequence[str] | None = None) -> int:
    """EQUAL where the projection is what its log gives, or is so now; DIFFERS; IMPOSSIBLE where it could not look."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{projection.service}.rebuild",
        description=f"Makes {projection.service} anew from its log, beside the one in use, and compares them.",
    )
    parser.add_argument("--replace", action="store_true", help="put the new one in use if they differ")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(_run(projection, settings, options.replace))
    except (StoreFault, KafkaError, OSError) as fault:
        sys.stderr.write(f"MongoDB or Kafka does not answer: {str(fault)[:200]}\n")
        return IMPOSSIBLE
    except NewerMessage as newer:
        sys.stderr.write(f"The log can't be read by this version: {newer}\n")
        return IMPOSSIBLE


async def _run(projection: Projection, settings: ServiceSettings, replace: bool) -> int:
    async with rebuilding(projection, settings) as rebuild:
        _say(f"{await rebuild.read()} records read.")
        found = await rebuild.differences()
        for name, differences in found.items():
            _say(f"{projection.service}.{name}: {_told(differences)}")
        if not any(differences.keys for differences in found.values()):
            return EQUAL
        if not replace:
            return DIFFERS
        if any(differences.missing for differences in found.values()):
            _say("Not replaced: the log no longer holds all that is in use, which would be lost.")
            return DIFFERS
        await rebuild.replace()
        _say("Replaced: what the log gives is in use now.")
        return EQUAL


def _told(differences: Differences) -> str:
    if not differences.keys:
        return f"{differences.compared} documents, equal"
    kinds = (("unequal", differences.unequal), ("not in the log", differences.missing), ("new", differences.added))
    parts = [f"{len(keys)} {kind}, such as {_examples(keys)}" for kind, keys in kinds if keys]
    return f"{differences.compared} documents: {'; '.join(parts)}"


def _examples(keys: Sequence[object]) -> str:
    return ", ".join(orjson.dumps(key, default=str).decode() for key in keys[:_SHOWN])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
