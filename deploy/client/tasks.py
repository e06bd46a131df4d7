"""Tasks, operations over many runs, and figures."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from .shapes import (
    Accepted,
    AnalyticsFilters,
    BulkMatches,
    BulkResult,
    RunAnalytics,
    RunSelection,
    Signal,
    Task,
    TaskCounts,
    TaskPage,
)
from .transport import Transport


class Tasks(Transport):
    """What waits for the caller."""

    async def tasks(self, **query: Any) -> TaskPage:
        """One page; takes `assignment`, `priority`, `playbook_id`, `overdue`, `sort`, `limit`, `cursor` and others."""
        page: TaskPage = await self.read("/tasks", **query)
        return page

    def each_task(self, **query: Any) -> AsyncIterator[Task]:
        """Of all pages; takes the filters of `tasks`."""
        return self.pages("/tasks", items="tasks", **query)

    async def task_counts(self) -> TaskCounts:
        counts: TaskCounts = await self.read("/tasks/counts")
        return counts


class Many(Transport):
    """What goes to many runs, or is said of them."""

    async def signal_runs(
        self, selection: RunSelection | Mapping[str, Any], signal: Signal | Mapping[str, Any], key: str | None = None
    ) -> Accepted:
        """An operation that is under way: see `operation` and `each_result`."""
        body = {"action": "bulk_signal", "filter": selection, "signal": signal}
        accepted: Accepted = await self.command("POST", _BULK, body=body, key=key, follow=False)
        return accepted

    async def matching_runs(
        self, selection: RunSelection | Mapping[str, Any], signal: Signal | Mapping[str, Any]
    ) -> BulkMatches:
        """To how many runs `signal_runs` would go now."""
        body = {"action": "bulk_signal", "filter": selection, "signal": signal}
        matches: BulkMatches = await self.command("POST", _BULK, body=body, dry_run=True)
        return matches

    def each_result(self, operation_id: str, **query: Any) -> AsyncIterator[BulkResult]:
        """What each run has answered; takes `status`."""
        return self.pages("/operations/{}/results", operation_id, items="results", **query)

    async def analytics(
        self,
        filters: AnalyticsFilters | Mapping[str, Any] | None = None,
        group_by: Sequence[str] = (),
        metrics: Sequence[str] = (),
    ) -> RunAnalytics:
        body = {"filters": filters or {}, "group_by": list(group_by), "metrics": list(metrics)}
        figures: RunAnalytics = await self.command("POST", "/analytics/playbook-runs", body=body)
        return figures


_BULK = "/playbook-runs/bulk-signal"
