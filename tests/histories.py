"""`python -m tests.histories VERSION`: keeps runs of the running local stack, as this version has written them.

Of each playbook the longest run that has ended and the longest that is open, each with everything that stands in the
databases about it: see tests/contract/test_histories.py for what later versions must still make of them.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo import MongoClient

from contracts.entries import entry
from contracts.envelope import Envelope
from deploy.local import plan
from deploy.local.folder import Folder, default_path
from services.run_engine.domain.lifecycle import RUN_OPEN
from shared.settings import ServiceSettings

FOLDER = Path(__file__).parent / "fixtures" / "histories"
_BSON = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True, tzinfo=UTC)
_PREFIX = ServiceSettings.model_fields["database_prefix"].default
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """One run, by the databases of those who have a part in it."""

    run: Document
    """The engine's document."""
    definition: Document
    """The revision that it is pinned to."""
    summary: Document
    """What analytics made of it."""
    events: list[Document]
    """As they were on the topic."""
    entries: list[Document]
    """Of the timeline, one for each event."""

    def write(self, path: Path) -> None:
        """One line for each part and each event, so that what differs can be seen."""
        parts = {"definition": self.definition, "run": self.run, "summary": self.summary}
        lines = [json_util.dumps(part, json_options=_BSON) for part in parts.values()]
        lines += [json.dumps([event, shown]) for event, shown in zip(self.events, self.entries, strict=True)]
        path.write_text("\n".join(lines) + "\n")

    @classmethod
    def read(cls, path: Path) -> "History":
        lines = path.read_text().splitlines()
        definition, run, summary = (json_util.loads(line, json_options=_BSON) for line in lines[:3])
        events, entries = zip(*map(json.loads, lines[3:]), strict=True)
        return cls(run, definition, summary, list(events), list(entries))


def recorded() -> list[Path]:
    """What versions have written, in their order."""
    return sorted(FOLDER.glob("*/*.jsonl"))


def main(version: str) -> int:
    current = plan.load(Folder(default_path()))
    if current is None:
        print("There is no local stack to record: make up, then make demo", file=sys.stderr)
        return 1
    folder = FOLDER / version
    if folder.exists():
        print(f"{folder.name} is recorded, and stays as it is", file=sys.stderr)
        return 1
    folder.mkdir()
    client: MongoClient[Document] = MongoClient(current.addresses.mongodb_uri, tz_aware=True)
    for name, run in _chosen(client[f"{_PREFIX}_run_engine"]["runs"].find({}, {"writer": 0})).items():
        _history(client, run).write(folder / f"{name}.jsonl")
        print(f"{name}: {run['state']['sequence']} events")
    return 0


def _chosen(runs: Iterable[Document]) -> dict[str, Document]:
    longest: dict[str, Document] = {}
    for run in runs:
        state = run["state"]
        whether = "open" if state["status"] in RUN_OPEN else "ended"
        name = f"{state['playbook']['name']} {whether}".lower().replace(" ", "_")
        if name not in longest or state["sequence"] > longest[name]["state"]["sequence"]:
            longest[name] = run
    return longest


def _history(client: MongoClient[Document], run: Document) -> History:
    pinned, of_run = run["state"]["playbook"], {"_id.run_id": run["_id"]}
    definitions = client[f"{_PREFIX}_run_engine"]["definitions"]
    found = definitions.find_one({"_id": f"{pinned['playbook_id']}:{pinned['revision']}"}) or {}
    stored = client[f"{_PREFIX}_timeline"]["events"].find(of_run).sort("_id", 1)
    events = [json.loads(document["event"]) for document in stored]
    summary = client[f"{_PREFIX}_analytics"]["runs"].find_one(of_run) or {}
    entries = [entry(Envelope.model_validate(event)) for event in events]
    return History(run, found["definition"], summary, events, entries)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Which version? python -m tests.histories 0.1")
    sys.exit(main(sys.argv[1]))
