"""`python -m services.timeline.verify`: whether histories hold, from exported evidence or from the timeline's database.

With files, each an exported evidence document, it needs nothing else. Without, it walks through every run of the
database that MONGODB_URI and DATABASE_PREFIX name; with RUN_ENGINE_URL set, each against the engine's own head, and
every run that the engine has, so that none can be missing as a whole.
Ends with 0 where all hold, 1 where one does not, 2 where something can't be read.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from services.timeline.domain.chain import Event
from services.timeline.domain.evidence import evidence_verification
from services.timeline.domain.verification import own_head, verification
from services.timeline.heads import CannotTell, Heads
from services.timeline.settings import Settings
from services.timeline.store import EventStore
from shared.messages import hash_of
from shared.mongo import Mongo, StoreFault
from shared.mongo_connection import explain_refusal
from shared.service_token import ServiceToken
from shared.settings import load_settings

HOLDS, BROKEN, UNREADABLE = 0, 1, 2
Found = dict[str, Any]
_LOOKS, _LOOKS_IN_ALL, _PAUSE_SECONDS = 15, 300, 0.2
"""For events that are on their way: three seconds for a run, and a minute in all."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.files:
            return _told((str(path), _of_document(path)) for path in options.files)
        return asyncio.run(_of_database(options.organization, options.run))
    except CannotTell as problem:
        print(problem, file=sys.stderr)
        return UNREADABLE
    except StoreFault as fault:
        print(explain_refusal(fault) or f"MongoDB does not answer: {str(fault)[:200]}", file=sys.stderr)
        return UNREADABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.timeline.verify", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="evidence documents; without any, the database is checked")
    parser.add_argument("--organization", help="of the database, only runs of this organization")
    parser.add_argument("--run", help="of the database, only this run")
    return parser


def _of_document(path: Path) -> Found:
    try:
        document = orjson.loads(path.read_bytes())
        return evidence_verification(document.get("data", document), hash_of)  # as the API answers it, or what is in it
    except OSError as error:
        raise CannotTell(f"{path} can't be read: {error.strerror}") from error
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CannotTell(
            f"{path} is no evidence document: it must be as GET /api/v1/playbook-runs/{{run_id}}/evidence gives it"
        ) from error


async def _of_database(organization_id: str | None, run_id: str | None) -> int:
    settings = load_settings(Settings)
    mongo = Mongo(settings, "timeline")
    heads = Heads.of_environment(ServiceToken(settings.service_token), settings.verification)
    worst, checked = HOLDS, 0
    try:
        async for name, verdict in Histories(EventStore(mongo), heads).verified(organization_id, run_id):
            checked += 1
            worst = max(worst, _tell(name, verdict, only_faults=True))
    finally:
        await mongo.close()
        if heads is not None:
            await heads.close()
    if checked == 0:
        raise CannotTell("No such run is in the timeline's database" if run_id or organization_id else "No run is here")
    said = "all hold" if worst == HOLDS else "not all hold"
    print(f"{checked} runs checked, {said}{'' if heads else ', without the engine (RUN_ENGINE_URL is not set)'}.")
    return worst


class Histories:
    """Every run's, held against the engine's head where there is an engine to ask."""

    def __init__(self, store: EventStore, heads: Heads | None) -> None:
        self._store = store
        self._heads = heads
        self._looks_left = _LOOKS_IN_ALL

    async def verified(self, organization_id: str | None, run_id: str | None) -> AsyncIterator[tuple[str, Found]]:
        """By run, what its history comes to: first all that the timeline has, then those of the engine's that it
        lacks."""

        def is_asked_for(organization: str, run: str) -> bool:
            return organization_id in (None, organization) and run_id in (None, run)

        async for run in self._store.every_run():
            if is_asked_for(run.organization_id, run.run_id):
                yield run.run_id, await self._of(run.organization_id, run.run_id, run.events)
        if self._heads is None:
            return
        async for organization, name, _ in self._heads.all():
            if is_asked_for(organization, name) and not await self._store.count(organization, name):
                yield name, await self._of(organization, name, [])

    async def _of(self, organization_id: str, run_id: str, events: Sequence[Event]) -> Found:
        """The run may go on meanwhile: what is missing is looked for again, for a while."""
        head = await self._heads.of_run(organization_id, run_id) if self._heads is not None else own_head(events)
        here = len(events)
        for _ in range(min(_LOOKS, self._looks_left)):
            if len(events) >= head.sequence:
                break
            self._looks_left -= 1
            await asyncio.sleep(_PAUSE_SECONDS)
            events = await self._store.of_run(organization_id, run_id)
        return verification(events, head, hash_of, here)


def _told(found: Iterable[tuple[str, Found]]) -> int:
    return max(_tell(name, verdict) for name, verdict in found)


def _tell(name: str, verdict: Found, only_faults: bool = False) -> int:
    match verdict["status"]:
        case "verified":
            if not only_faults:
                print(f"{name}: verified, {verdict['events']} events")
            return HOLDS
        case "incomplete":
            print(f"{name}: incomplete: {verdict['expected_events']} events were written, {verdict['events']} are here")
        case "broken":
            print(f"{name}: broken at event {verdict['broken']['sequence']}: {verdict['broken']['reason']}")
        case _:
            print(f"{name}: its events hold, but {verdict['reason']}")
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
