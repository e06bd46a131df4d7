"""Lists of runs: their filters and orders, each with the index that serves it."""

from dataclasses import dataclass
from typing import Literal

from pymongo import ASCENDING, DESCENDING, IndexModel

from contracts.rejections import Code
from services.run_engine.domain.lifecycle import RUN_OPEN, RunStatus
from shared import clock
from shared.asked import Flag, When, Word
from shared.errors import Refused
from shared.mongo import Document
from shared.pages import Listing, Order

RunSort = Literal["-created_at", "created_at", "-updated_at", "due_at"]
_ORDERS: dict[RunSort, Order] = {
    "-created_at": Order(("state.created_at",), DESCENDING),
    "created_at": Order(("state.created_at",), ASCENDING),
    "-updated_at": Order(("state.updated_at",), DESCENDING),
    "due_at": Order(("due",), ASCENDING),
}
_SELECTIVE = {
    "entity_id": "state.context.entity_id",
    "assignee": "assignees",
    "playbook_id": "state.playbook.playbook_id",
    "status": "state.status",
    "priority": "state.priority",
}
"""Filters that have an index of their own beside the time of creation, the most selective first."""
_BY_ORDER = {"-updated_at": "by_update", "due_at": "by_due_date"}
_NEWEST = _ORDERS["-created_at"].sort()


def _index(name: str, fields: list[str], order: Order) -> IndexModel:
    equal = [(field, ASCENDING) for field in ("organization_id", *fields)]
    return IndexModel([*equal, *order.sort()], name=name)


INDEXES = [
    _index("by_age", [], _ORDERS["-created_at"]),
    *(_index(f"by_{name}", [field], _ORDERS["-created_at"]) for name, field in _SELECTIVE.items()),
    _index("by_update", [], _ORDERS["-updated_at"]),
    _index("by_due_date", [], _ORDERS["due_at"]),
]


def open_runs(organization_id: str, cursor: str | None, limit: int) -> Listing:
    """All that are not over, the oldest first."""
    query = {"organization_id": organization_id, "state.status": {"$in": list(RUN_OPEN)}}
    return Listing(query, _ORDERS["created_at"], "open runs", cursor, limit, "by_status", {"state": 1})


@dataclass(frozen=True, slots=True)
class RunFilters:
    """What is left out lets everything through; all that is given must hold. Ranges include their ends."""

    status: RunStatus | None = None
    playbook_id: Word | None = None
    entity_type: Word | None = None
    entity_id: Word | None = None
    assignee: Word | None = None
    priority: Word | None = None
    overdue: Flag = False
    created_from: When | None = None
    created_to: When | None = None
    updated_from: When | None = None
    updated_to: When | None = None

    def listing(self, organization_id: str, sort: RunSort | None, cursor: str | None, limit: int) -> Listing:
        """Raises Refused (VALIDATION_ERROR) for an order in which no index serves the filters."""
        order = sort or self._natural_sort()
        query = {"organization_id": organization_id, **self._query()}
        fields = {"state": 1, "due": 1}
        self._check(order)
        return Listing(query, _ORDERS[order], repr(self), cursor, limit, self._hint(order), fields)

    def _natural_sort(self) -> RunSort:
        if self.overdue:
            return "due_at"
        return "-updated_at" if self.updated_from or self.updated_to else "-created_at"

    def _check(self, sort: RunSort) -> None:
        """A range is read from the index of its own order, or the scan would have no bounds."""
        needed = self._natural_sort()
        if needed != "-created_at" and sort != needed:
            given = "overdue" if needed == "due_at" else "updated_from and updated_to"
            reason = f"With {given} runs are listed by {needed}"
            raise Refused(Code.VALIDATION_ERROR, "Request validation failed", field="sort", value=sort, reason=reason)

    def _hint(self, sort: RunSort) -> str:
        if sort in _BY_ORDER:
            return _BY_ORDER[sort]
        return next((f"by_{name}" for name in _SELECTIVE if getattr(self, name) is not None), "by_age")

    def _query(self) -> Document:
        query: Document = {
            field: value for name, field in _SELECTIVE.items() if (value := getattr(self, name)) is not None
        }
        if self.entity_type is not None:
            query["state.context.entity_type"] = self.entity_type
        if self.overdue:
            query["due"] = {"$lt": clock.now()}
        return (
            query
            | _range("state.created_at", self.created_from, self.created_to)
            | _range("state.updated_at", self.updated_from, self.updated_to)
        )


def _range(field: str, start: When | None, end: When | None) -> Document:
    bounds = {operator: bound for operator, bound in (("$gte", start), ("$lte", end)) if bound is not None}
    return {field: bounds} if bounds else {}
