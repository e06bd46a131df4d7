"""`python -m services.timeline.verify`: whether histories hold, from exported evidence or from the timeline's database.

With files, each an exported evidence document, it needs nothing else. Without, it walks through every run of the
database that MONGODB_URI and DATABASE_PREFIX name; with RUN_ENGINE_URL set, each against the engine's own head.
Ends with 0 where all hold, 1 where one does not, 2 where something can't be read.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson

from services.timeline.domain.verification import Head, verification
from services.timeline.settings import Settings
from services.timeline.store import EventStore, StoredRun
from shared.messages import hash_of
from shared.mongo import Mongo, StoreFault
from shared.service_token import ServiceToken
from shared.settings import load_settings

HOLDS, BROKEN, UNREADABLE = 0, 1, 2
Found = dict[str, Any]


class CannotTell(Exception):
    """What is to be checked can't be read; says why in a sentence."""


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
        print(f"MongoDB does not answer: {str(fault)[:200]}", file=sys.stderr)
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
        document = document.get("data", document)  # as the API answers it, or what stands in it
        told = document["verification"]
        head = Head(int(told["expected_events"]), told["head_hash"])
        return verification(list(document["events"]), head, hash_of)
    except OSError as error:
        raise CannotTell(f"{path} can't be read: {error.strerror}") from error
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CannotTell(
            f"{path} is no evidence document: it needs `events` and `verification`, as "
            "GET /api/v1/playbook-runs/{run_id}/evidence gives them"
        ) from error


async def _of_database(organization_id: str | None, run_id: str | None) -> int:
    settings = load_settings(Settings)
    mongo, token = Mongo(settings, "timeline"), ServiceToken(settings.service_token)
    engine = os.environ.get("RUN_ENGINE_URL")
    worst, checked = HOLDS, 0
    async with httpx.AsyncClient(base_url=engine or "http://none", timeout=10, headers=token.headers) as http:
        async for run in EventStore(mongo).every_run():
            if organization_id not in (None, run.organization_id) or run_id not in (None, run.run_id):
                continue
            head = await _head(http, run) if engine else Head(0, None)
            checked += 1
            worst = max(worst, _tell(run.run_id, verification(run.events, head, hash_of), only_faults=True))
    await mongo.close()
    if checked == 0:
        raise CannotTell("No such run is in the timeline's database" if run_id or organization_id else "No run is here")
    said = "all hold" if worst == HOLDS else "not all hold"
    print(f"{checked} runs checked, {said}{'' if engine else ', without the engine (RUN_ENGINE_URL is not set)'}.")
    return worst


async def _head(http: httpx.AsyncClient, run: StoredRun) -> Head:
    try:
        answer = await http.get(f"/internal/runs/{run.run_id}/head", params={"organization_id": run.organization_id})
    except httpx.HTTPError as error:
        raise CannotTell(f"The run engine at {http.base_url} does not answer: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise CannotTell(f"The run engine does not tell the head of {run.run_id}: status {answer.status_code}")
    data = answer.json()["data"]
    return Head(data["sequence"], data["hash"])


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
        case _:
            print(f"{name}: broken at event {verdict['broken']['sequence']}: {verdict['broken']['reason']}")
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
