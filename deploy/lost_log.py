"""Finds out whether Kafka's log was lost while MongoDB kept the data that belongs to it."""

from collections.abc import Collection, Mapping
from typing import Any

from pymongo import AsyncMongoClient

from contracts.topics import PLAYBOOK_EVENTS, RUN_COMMANDS, RUN_EVENTS
from shared.mongo_connection import connection_of

NEVER_EMPTY = {RUN_COMMANDS.name, RUN_EVENTS.name, PLAYBOOK_EVENTS.name}
"""Topics that every installation has had since its first start."""
KEPT = (("run_engine", "runs"), ("playbook_registry", "playbooks"))
"""Collections, by service, that hold what was written through the log."""
ANSWER_MS = 30_000


class LostLogError(Exception):
    """A sentence that says what is lost and what is kept."""


async def require_log(environment: Mapping[str, str], missing: Collection[str]) -> None:
    """Checks, before topics are created, that their absence is that of a new installation.

    Args:
        environment: MONGODB_URI and its companions; unless it is the default, DATABASE_PREFIX.
        missing: Names of the topics that Kafka does not have.

    Raises:
        LostLogError: Topics are missing that MongoDB's data was written through.
        MongoConnectionError: A setting of the connection to MongoDB is wrong.
    """
    lost = NEVER_EMPTY & set(missing)
    if not lost:
        return
    prefix = environment.get("DATABASE_PREFIX") or "hera"
    mongodb = connection_of(environment)
    async with AsyncMongoClient[dict[str, Any]](
        mongodb.mongodb_uri, serverSelectionTimeoutMS=ANSWER_MS, **mongodb.options()
    ) as client:
        kept = [name for service, name in KEPT if await client[f"{prefix}_{service}"][name].find_one({}, {"_id": 1})]
    if kept:
        raise LostLogError(
            f"Kafka has no topic {', '.join(sorted(lost))}, but MongoDB holds {' and '.join(kept)} of an earlier "
            "installation: Kafka's log was lost or replaced. The data in MongoDB is complete; commands that were not "
            "carried out yet, and events that timeline, analytics and webhooks had not read yet, are lost."
        )
