"""The search for clear text: whether a word stands in any store, topic or log of a stack."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import pymongo
from bson import encode

from contracts import topics
from tests.kafka import Log
from tests.running_stack import RunningStack

Heap = list[tuple[str, bytes]]
"""Places, and what is there."""


def forms(word: str) -> set[bytes]:
    """As it is, as hex, and in base64 wherever in a longer text it begins."""
    raw = word.encode()
    shifted = (b64encode(b"_" * shift + raw + b"_" * 3)[4 * (shift > 0) : -8] for shift in range(3))
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted}


def found_in(heap: Iterable[tuple[str, bytes]], words: Iterable[str]) -> dict[str, set[str]]:
    """By word: the places that hold it, in any form."""
    wanted = {word: forms(word) for word in words}
    places: dict[str, set[str]] = {word: set() for word in wanted}
    for place, content in heap:
        for word, shapes in wanted.items():
            if any(shape in content for shape in shapes):
                places[word].add(place)
    return places


async def everything(stack: RunningStack) -> Heap:
    return [*stored(stack), *logged(stack), *await published(stack)]


def stored(stack: RunningStack) -> Iterator[tuple[str, bytes]]:
    """Every document of every collection of every database."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongodb_uri) as client:
        for database in client.list_database_names():
            if not database.startswith(stack.database_prefix):
                continue
            for collection in client[database].list_collection_names():
                for document in client[database][collection].find():
                    yield f"{database.removeprefix(stack.database_prefix)}.{collection}", encode(document)


def logged(stack: RunningStack) -> Iterator[tuple[str, bytes]]:
    for path in stack.folder.logs.rglob("*"):
        if path.is_file():
            yield f"log {path.name}", path.read_bytes()


async def published(stack: RunningStack) -> Heap:
    """Every record of every topic, with its key and its headers."""
    heap: Heap = []
    for topic in topics.TOPICS:
        log = Log(stack.bootstrap_servers, topic.name)
        await log.open(from_beginning=True)
        for record in await log.records():
            headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
            heap.append((topic.name, (record.key or b"") + (record.value or b"") + headers))
        await log.close()
    return heap
