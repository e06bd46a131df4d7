"""What a check of an exported document comes to: its events, and whether all else in it tells what they tell."""

from collections.abc import Mapping
from typing import Any

from services.timeline.domain.chain import HashOf
from services.timeline.domain.showing import legible, view
from services.timeline.domain.summary import current_status
from services.timeline.domain.verification import Head, verification

Document = Mapping[str, Any]


def evidence_verification(document: Document, hash_of: HashOf) -> dict[str, Any]:
    """As `verification`, with one more `status`: `altered`, where the chain holds and `reason` says what beside it does
    not fit. Raises KeyError, TypeError or ValueError for what is no evidence."""
    events, told = list(document["events"]), document["verification"]
    found = verification(events, Head(int(told["expected_events"]), told["head_hash"]), hash_of, len(events))
    if found["status"] != "verified":
        return found
    reason = _foreign(document) or _run(document) or _playbook(document) or _timeline(document)
    return found if reason is None else {**found, "status": "altered", "reason": reason}


def _foreign(document: Document) -> str | None:
    whose = (document["organization_id"], document["run_id"])
    for event in document["events"]:
        if (event.get("organization_id"), event.get("key")) != whose:
            return f"event {event['sequence']} is of another run or organization than the document says"
    return None


def _run(document: Document) -> str | None:
    """The run was read first: it is what its first `version` events have made of it."""
    run, events = document["run"], legible(document["events"])
    if run["run_id"] != document["run_id"] or not 1 <= run["version"] <= len(events):
        return "`run` is none that they have made"
    status = current_status(events[: run["version"]])
    return None if run["status"] == status else f"`run.status` is {run['status']}, and they say {status}"


def _playbook(document: Document) -> str | None:
    pinned, shown = document["events"][0]["data"]["playbook"], document["playbook"]
    for name in ("playbook_id", "revision", "name", "version", "smart_code"):
        if shown[name] != pinned[name]:
            return f"`playbook.{name}` is {shown[name]}, and the run began with {pinned[name]}"
    return None


def _timeline(document: Document) -> str | None:
    """What a later version tells beside the details that the document has is no fault of it."""
    told = view(document["run_id"], legible(document["events"]), include_system_events=True)
    if len(document["timeline"]) != len(told["timeline"]):
        return f"`timeline` has {len(document['timeline'])} entries for {len(told['timeline'])} events"
    for number, (entry, true) in enumerate(zip(document["timeline"], told["timeline"], strict=True), 1):
        known = {name: value for name, value in true["details"].items() if name in entry["details"]}
        if entry != {**true, "details": known}:
            return f"entry {number} of `timeline` does not tell what event {number} says"
    return None if document["summary"] == told["summary"] else "`summary` is not that of `timeline`"
