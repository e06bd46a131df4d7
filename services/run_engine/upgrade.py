"""What documents of earlier versions lack, added once when the engine starts."""

from typing import Any

import structlog
from pymongo import UpdateOne

from services.run_engine.documents import from_document, listed
from services.run_engine.task_list import TaskList
from shared.mongo import Mongo, bulk_write

_DONE = {"_id": "runs_are_listed"}
_AT_ONCE = 500
log = structlog.get_logger()


async def upgrade(mongo: Mongo, tasks: TaskList) -> None:
    """Tasks of their own, and what lists of runs look at. Doing it twice, or in two engines at once, does no harm."""
    upgrades = mongo.collection("upgrades")
    if await upgrades.find_one(_DONE):
        return
    batch: list[Any] = []
    async for document in mongo.collection("runs").find({"due": {"$exists": False}}):
        batch.append(document)
        if len(batch) == _AT_ONCE:
            await _upgraded(mongo, tasks, batch)
            batch = []
    await _upgraded(mongo, tasks, batch)
    await upgrades.replace_one(_DONE, _DONE, upsert=True)


async def _upgraded(mongo: Mongo, tasks: TaskList, documents: list[Any]) -> None:
    runs = [from_document(document) for document in documents]
    if runs:
        log.info("runs_upgraded", runs=len(runs))
    guarded = [UpdateOne({"_id": r.run_id, "written": r.written}, {"$set": listed(r.state)}) for r in runs]
    await bulk_write(mongo.collection("runs"), guarded)
    await tasks.renew(runs)
