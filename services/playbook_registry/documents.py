"""A playbook as a MongoDB document, and back."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from services.playbook_registry.domain.playbook import (
    LastChange,
    RevisionNote,
    StoredPlaybook,
    TakenCommand,
)
from shared.mongo import Document

MAX_PREFIX = 20
"""Characters of a word by which it is found."""
_WORD = re.compile(r"\w+")


def to_document(playbook: StoredPlaybook) -> Document:
    return {
        "_id": playbook.playbook_id,
        "organization_id": playbook.organization_id,
        "smart_code": playbook.smart_code,
        "status": playbook.status,
        "revision": playbook.revision,
        "created_at": playbook.created_at,
        "definition": _text(playbook.definition),
        "answer": _text(playbook.answer),
        "metrics": _text(playbook.metrics),
        "command_id": playbook.command_id,
        "fingerprint": playbook.fingerprint,
        "changed": asdict(playbook.changed),
        "written": playbook.written,
        "revisions": [asdict(note) for note in playbook.revisions],
        "taken": [{**asdict(t), "answer": _text(t.answer)} for t in playbook.taken],
        **search_fields(playbook.definition),
    }


def from_document(document: Document) -> StoredPlaybook:
    return StoredPlaybook(
        playbook_id=document["_id"],
        organization_id=document["organization_id"],
        smart_code=document["smart_code"],
        status=document["status"],
        revision=document["revision"],
        created_at=document["created_at"],
        definition=orjson.loads(document["definition"]),
        answer=orjson.loads(document["answer"]),
        metrics=orjson.loads(document["metrics"]),
        command_id=document["command_id"],
        fingerprint=document["fingerprint"],
        changed=LastChange(**document["changed"]),
        written=document["written"],
        revisions=tuple(RevisionNote(**note) for note in document["revisions"]),
        taken=tuple(TakenCommand(**{**t, "answer": orjson.loads(t["answer"])}) for t in document["taken"]),
    )


def search_fields(definition: Mapping[str, Any]) -> Document:
    """What lists filter by, each so that an index finds it by equality."""
    return {
        "type": definition["type"],
        "category": definition["category"],
        "smart_code_prefixes": prefixes_of_code(definition["smart_code"]),
        "words": sorted(_prefixes(f"{definition['name']} {definition['description'] or ''}")),
    }


def prefixes_of_code(smart_code: str) -> list[str]:
    """`HERA`, `HERA.CRM`, … up to the whole."""
    parts = smart_code.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def words_of(text: str) -> list[str]:
    """In lower case, each cut to what is kept of it."""
    return [word[:MAX_PREFIX] for word in _WORD.findall(text.lower())]


def _prefixes(text: str) -> set[str]:
    return {word[:length] for word in words_of(text) for length in range(1, len(word) + 1)}


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
