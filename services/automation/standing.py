"""What the engine's orders do to the documents of jobs, as updates of MongoDB.

Held, a job that waits stays where it is: its patience and the time in which workers must answer stand still.
Withdrawn, it is over; a job that workers have, or may have, is lost to them, so that a late answer is still told.
"""

from datetime import datetime, timedelta
from typing import Any

from contracts.jobs import JobsOrder
from contracts.topics import WORKER_JOBS
from shared.mongo import Document

_OFFERED = timedelta(seconds=WORKER_JOBS.retention_seconds)
OPEN, HELD, WITH_WORKER, LOST, DONE = "open", "held", "with_worker", "lost", "done"
"""With a worker, `lease_until` is its lease from its first heartbeat on. Lost: only its late answer is awaited."""


def which(order: JobsOrder) -> Document:
    """The jobs that it is for, but for those that have heard of something later."""
    named = {"_id": {"$in": order.job_ids}, "state": {"$in": [OPEN, HELD, WITH_WORKER]}}
    return named | {"told": {"$not": {"$gte": order.sequence}}}


def change(order: JobsOrder, now: datetime, kept: timedelta) -> list[Document]:
    told = {"$set": {"told": order.sequence}}
    match order.order:
        case "hold":
            return [told, *_held(now)]
        case "release":
            return [told, *_released(now)]
        case "withdraw":
            return [told, *_withdrawn(now, kept)]


def handed_over(now: datetime, answer_by: datetime | None, kept: timedelta) -> list[Document]:
    """Workers have it now, for as long as its record is kept for them to read, or until `answer_by`.

    Where its run was paused in that very moment, their time stands still at once.
    """
    begun = {"state": WITH_WORKER, "expires_at": now + kept}
    if answer_by is None:
        return [{"$set": begun | {"lease_until": now + _OFFERED}}, {"$unset": "job"}]
    paused = {"$eq": ["$state", HELD]}
    within = {"answer_by": _if(paused, "$$REMOVE", answer_by), "lease_until": _if(paused, "$$REMOVE", answer_by)}
    within["time_left_ms"] = _if(paused, {"$subtract": [answer_by, now]}, "$$REMOVE")
    return [{"$set": begun | within}, {"$unset": "job"}]


def _held(now: datetime) -> list[Document]:
    left = {"$max": [0, {"$subtract": ["$answer_by", now]}]}
    stopped = {
        "held_at": now,
        "state": _if({"$eq": ["$state", OPEN]}, HELD, "$state"),
        "time_left_ms": _if(_is_date("$answer_by"), left, "$$REMOVE"),
        "lease_until": _if({"$eq": ["$lease_until", "$answer_by"]}, "$$REMOVE", "$lease_until"),
    }
    return [{"$set": stopped}, {"$unset": "answer_by"}]


def _released(now: datetime) -> list[Document]:
    is_limited = {"$isNumber": "$time_left_ms"}
    stood_still = {"$subtract": [now, {"$ifNull": ["$held_at", now]}]}
    going_on = {
        "state": _if({"$eq": ["$state", HELD]}, OPEN, "$state"),
        "stored_at": {"$add": ["$stored_at", stood_still]},
        "answer_by": _if(is_limited, {"$add": [now, "$time_left_ms"]}, "$$REMOVE"),
    }
    lease = _if(_is_date("$answer_by"), {"$min": ["$lease_until", "$answer_by"]}, "$lease_until")
    return [{"$set": going_on}, {"$set": {"lease_until": lease}}, {"$unset": ["held_at", "time_left_ms"]}]


def _withdrawn(now: datetime, kept: timedelta) -> list[Document]:
    over = {"state": _if({"$eq": ["$channel", "http"]}, DONE, LOST), "expires_at": now + kept}
    return [{"$set": over}, {"$unset": ["job", "lease_until", "answer_by", "held_at", "time_left_ms"]}]


def _if(condition: Any, then: Any, otherwise: Any) -> Document:
    return {"$cond": [condition, then, otherwise]}


def _is_date(field: str) -> Document:
    return {"$eq": [{"$type": field}, "date"]}
