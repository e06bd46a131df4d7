"""What is asked of runs and tasks, each with the index that serves it. Every query begins with the organisation."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.run_engine.documents import ANY_ROLE, from_document
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.domain.state import RunState
from services.run_engine.execution import not_found
from services.run_engine.store import RunStore
from shared.errors import Refused
from shared.mongo import Document, Mongo
from shared.pages import Page, after

INDEXES = {
    "runs": [
        IndexModel(
            [("organization_id", ASCENDING), ("state.created_at", DESCENDING), ("_id", DESCENDING)], name="by_age"
        ),
        IndexModel(
            [
                ("organization_id", ASCENDING),
                ("state.status", ASCENDING),
                ("state.created_at", DESCENDING),
                ("_id", DESCENDING),
            ],
            name="by_status",
        ),
        IndexModel(
            [
                ("organization_id", ASCENDING),
                ("state.playbook.playbook_id", ASCENDING),
                ("state.created_at", DESCENDING),
                ("_id", DESCENDING),
            ],
            name="by_playbook",
        ),
        IndexModel([("organization_id", ASCENDING), ("tasks.assigned_to", ASCENDING)], name="tasks_of_a_person"),
        IndexModel([("organization_id", ASCENDING), ("tasks.roles", ASCENDING)], name="tasks_of_a_role"),
    ]
}
"""Created beside those of store.py."""


class RunReads:
    """Answers from the engine's own documents, which are written before any reply: a read sees the last answer."""

    def __init__(self, mongo: Mongo, store: RunStore) -> None:
        self._runs = mongo.collection("runs")
        self._store = store

    async def head(self, organization_id: str, run_id: str) -> Document | None:
        """`sequence`, `status` and `playbook_id` of a run; None for an unknown one."""
        fields = {"state.sequence": 1, "state.status": 1, "state.playbook.playbook_id": 1}
        run = await self._runs.find_one({"_id": run_id, "organization_id": organization_id}, fields)
        if run is None:
            return None
        state = run["state"]
        return {
            "sequence": state["sequence"],
            "status": state["status"],
            "playbook_id": state["playbook"]["playbook_id"],
        }

    async def open_runs(self, organization_id: str, playbook_id: str) -> int:
        """How many runs of the playbook are not over."""
        query = {"organization_id": organization_id, "state.playbook.playbook_id": playbook_id}
        return int(await self._runs.count_documents({**query, "state.status": {"$in": list(RUN_OPEN)}}))

    async def run(self, organization_id: str, run_id: str) -> tuple[RunState, Document | None]:
        """A run and its incident, if a command to it was set aside. Raises Refused (NOT_FOUND) for an unknown one."""
        document = await self._runs.find_one({"_id": run_id, "organization_id": organization_id})
        if document is None:
            raise Refused.because(not_found(run_id))
        return from_document(document).state, document.get("incident")

    async def runs(
        self, organization_id: str, status: str | None, playbook_id: str | None, cursor: str | None, limit: int
    ) -> Page[RunState]:
        """Newest first."""
        query: Document = {"organization_id": organization_id}
        if status:
            query["state.status"] = status
        if playbook_id:
            query["state.playbook.playbook_id"] = playbook_id
        return await self._page(query, cursor, limit)

    async def with_tasks(
        self, organization_id: str, user_id: str, roles: list[str], cursor: str | None, limit: int
    ) -> Page[RunState]:
        """Runs that are not paused, with a step that waits for this user or for one of these roles, newest first."""
        mine: list[Document] = [{"tasks.assigned_to": user_id}, {"tasks.roles": {"$in": [*roles, ANY_ROLE]}}]
        query = {"organization_id": organization_id, "$or": mine, "state.status": {"$ne": "paused"}}
        return await self._page(query, cursor, limit)

    async def _page(self, query: Document, cursor: str | None, limit: int) -> Page[RunState]:
        total = await self._runs.count_documents(query)
        found: Any = (
            self._runs.find({**query, **after("state.created_at", cursor)})
            .sort([("state.created_at", DESCENDING), ("_id", DESCENDING)])
            .limit(limit + 1)
        )
        states = [from_document(document).state async for document in found]
        return Page.of(states, limit, total, lambda run: (run.created_at, run.run_id))


def is_mine(assigned_to: str | None, step_roles: tuple[str, ...], user_id: str, roles: list[str]) -> bool:
    """The step waits for this user: given to them, or to one of their roles, or to anyone."""
    if assigned_to == user_id or not set(step_roles).isdisjoint(roles):
        return True
    return assigned_to is None and not step_roles
