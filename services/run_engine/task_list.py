"""The tasks of everybody: rows kept beside the runs, and what is asked of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pymongo import ASCENDING, DeleteMany, DeleteOne, IndexModel, ReplaceOne

from services.run_engine.execution import StoredRun
from services.run_engine.task_rows import ANYONE, for_role, for_user, rows_of
from shared import clock
from shared.asked import Flag, When, Word
from shared.mongo import Document, Mongo, bulk_write
from shared.pages import Listing, Order, Page, page_of

Sort = Literal["due_at", "priority"]
Assignment = Literal["mine", "unassigned"]
_ORDERS: dict[Sort, tuple[str, Order]] = {
    "due_at": ("tasks_by_due_date", Order(("due",), ASCENDING)),
    "priority": ("tasks_by_priority", Order(("rank", "due"), ASCENDING)),
}
"""Each with the index that serves it."""
INDEXES = [
    IndexModel([("organization_id", ASCENDING), ("for", ASCENDING), *order.sort()], name=name)
    for name, order in _ORDERS.values()
]


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """What is left out lets everything through; all that is given must hold."""

    assignment: Assignment | None = None
    priority: Word | None = None
    playbook_id: Word | None = None
    overdue: Flag = False
    due_from: When | None = None
    due_to: When | None = None

    def query(self, now: datetime) -> Document:
        query: Document = {"assigned_to": None} if self.assignment == "unassigned" else {}
        given = {"priority": self.priority, "playbook_id": self.playbook_id}
        query |= {field: value for field, value in given.items() if value is not None}
        bounds = {"$gte": self.due_from, "$lte": self.due_to, **({"$lt": now} if self.overdue else {})}
        due = {operator: bound for operator, bound in bounds.items() if bound is not None}
        return query | ({"due": due} if due else {})


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and for whom they stand in just now."""

    organization_id: str
    user_id: str
    roles: tuple[str, ...]
    stands_in_for: tuple[str, ...] = ()
    further_roles: tuple[str, ...] = ()
    """Those that others lend, and those that their own may act for somewhere."""

    def query(self, assignment: Assignment | None = None) -> Document:
        me = for_user(self.user_id)
        everything = [
            me, *map(for_user, self.stands_in_for), *map(for_role, (*self.roles, *self.further_roles)), ANYONE,
        ]  # fmt: skip
        return {"organization_id": self.organization_id, "for": {"$in": [me] if assignment == "mine" else everything}}


class TaskList:
    """Rows are offered while the run is written, and withdrawn before anybody is answered.

    A row too many is harmless, for whoever reads looks at the run; so a crash in between is, whose commands come again.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._rows = mongo.collection("tasks")

    async def offer(self, before: Mapping[str, StoredRun], after: Iterable[StoredRun]) -> None:
        """Writes the rows that are new or another; a row of a later version of the run stays."""
        writes: list[Any] = []
        for run in after:
            known = rows_of(before[run.run_id]) if run.run_id in before else {}
            writes += [_write(key, row, run) for key, row in rows_of(run).items() if known.get(key) != row]
        await bulk_write(self._rows, writes)

    async def withdraw(self, before: Mapping[str, StoredRun], after: Collection[StoredRun]) -> None:
        """Deletes the rows of what is no task any more."""
        gone = [
            DeleteOne({"_id": key, "written": {"$lte": run.written}})
            for run in after
            if run.run_id in before
            for key in rows_of(before[run.run_id]).keys() - rows_of(run).keys()
        ]
        await bulk_write(self._rows, gone)

    async def renew(self, runs: Iterable[StoredRun]) -> None:
        """Makes the rows of these runs what they should be, whatever they are."""
        wanted = [(run, rows_of(run)) for run in runs]
        writes: list[Any] = [_write(key, row, run) for run, rows in wanted for key, row in rows.items()]
        # Ids begin with the run's: between ":" and ";", the next character, are its rows.
        writes += [
            DeleteMany({
                "_id": {"$gte": f"{run.run_id}:", "$lt": f"{run.run_id};", "$nin": list(rows)},
                "written": {"$lte": run.written},
            })
            for run, rows in wanted
        ]  # fmt: skip
        await bulk_write(self._rows, writes)

    async def page(
        self, person: Person, filters: TaskFilters, sort: Sort, cursor: str | None, limit: int
    ) -> Page[Document]:
        """Rows; those whose run says otherwise are still among them."""
        return await page_of(self._rows, listing(person, filters, sort, cursor, limit))

    async def counts(self, person: Person) -> Document:
        """Over all of the person's tasks, in one walk over them."""
        is_mine, is_nobodys = ({"$eq": ["$assigned_to", who]} for who in (person.user_id, None))
        sums = {"assigned_to_me": is_mine, "unassigned": is_nobodys, "overdue": {"$lt": ["$due", clock.now()]}}
        group = {"_id": "$priority", "total": {"$sum": 1}} | {
            name: {"$sum": {"$cond": [holds, 1, 0]}} for name, holds in sums.items()
        }
        found = self._rows.aggregate([{"$match": person.query()}, {"$group": group}], hint="tasks_by_due_date")
        groups = [row async for row in found]
        totals = {name: sum(row[name] for row in groups) for name in ("total", *sums)}
        return {**totals, "by_priority": {row["_id"]: row["total"] for row in groups}}


def listing(person: Person, filters: TaskFilters, sort: Sort, cursor: str | None, limit: int) -> Listing:
    hint, order = _ORDERS[sort]
    query = person.query(filters.assignment) | filters.query(clock.now())
    return Listing(
        query, order, repr((person.organization_id, person.user_id, person.roles, filters)), cursor, limit, hint
    )


def _write(key: str, row: Document, run: StoredRun) -> ReplaceOne[Document]:
    """Meets the id that exists, and changes nothing, where a later version of the run has written it."""
    return ReplaceOne({"_id": key, "written": {"$lte": run.written}}, {**row, "written": run.written}, upsert=True)
