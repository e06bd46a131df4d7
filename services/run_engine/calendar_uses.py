"""Open runs that a calendar is needed for."""

from typing import Any

from services.run_engine.reads import RunReads
from services.run_engine.store import RunStore


class CalendarUses:
    def __init__(self, runs: RunReads, store: RunStore) -> None:
        self._runs = runs
        self._store = store

    async def open_runs(self, organization_id: str, calendar: str) -> dict[str, Any]:
        """How many, and of which playbooks."""
        counted = await self._runs.open_revisions(organization_id)
        definitions = await self._store.definitions(counted.keys())
        naming = {key for key, definition in definitions.items() if calendar in definition.calendars}
        return {
            "open_runs": sum(counted[key] for key in naming),
            "playbook_ids": sorted({playbook_id for playbook_id, _ in naming}),
        }
