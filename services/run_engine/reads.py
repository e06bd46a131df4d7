"""What is asked of runs. Every query begins with the organisation."""

from collections.abc import Collection

from pymongo import ASCENDING

from services.run_engine.documents import from_document, state_of
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.domain.state import RunState
from services.run_engine.execution import not_found
from services.run_engine.run_list import RunFilters, RunSort
from shared.errors import Refused
from shared.mongo import Document, Mongo
from shared.pages import Listing, Page, page_of


class RunReads:
    """Answers from the engine's own documents, which are written before any reply: a read sees the last answer."""

    def __init__(self, mongo: Mongo) -> None:
        self._runs = mongo.collection("runs")

    async def head(self, organization_id: str, run_id: str) -> Document | None:
        """`sequence`, `hash` of the last event, `status` and `playbook_id` of a run; None for an unknown one."""
        fields = {"head_hash": 1, "state.sequence": 1, "state.status": 1, "state.playbook.playbook_id": 1}
        run = await self._runs.find_one({"_id": run_id, "organization_id": organization_id}, fields)
        if run is None:
            return None
        state = run["state"]
        return {
            "sequence": state["sequence"],
            "hash": run["head_hash"],
            "status": state["status"],
            "playbook_id": state["playbook"]["playbook_id"],
        }

    async def heads(self, after: str, limit: int) -> list[Document]:
        """Of all runs of all organisations, in order of their ids, so many behind that one."""
        fields = {"organization_id": 1, "head_hash": 1, "state.sequence": 1}
        found = self._runs.find({"_id": {"$gt": after}}, fields).sort("_id", ASCENDING).limit(limit)
        return [
            {
                "run_id": run["_id"],
                "organization_id": run["organization_id"],
                "sequence": run["state"]["sequence"],
                "hash": run["head_hash"],
            }
            async for run in found
        ]

    async def open_runs(self, organization_id: str, playbook_id: str) -> int:
        """How many runs of the playbook are not over."""
        query = {"organization_id": organization_id, "state.playbook.playbook_id": playbook_id}
        return int(await self._runs.count_documents({**query, "state.status": {"$in": list(RUN_OPEN)}}))

    async def open_revisions(self, organization_id: str) -> dict[tuple[str, int], int]:
        """How many runs that are not over each revision has, by playbook and revision."""
        query = {"organization_id": organization_id, "state.status": {"$in": list(RUN_OPEN)}}
        pinned = {"playbook": "$state.playbook.playbook_id", "revision": "$state.playbook.revision"}
        found = self._runs.aggregate([{"$match": query}, {"$group": {"_id": pinned, "runs": {"$sum": 1}}}])
        return {(group["_id"]["playbook"], group["_id"]["revision"]): group["runs"] async for group in found}

    async def run(self, organization_id: str, run_id: str) -> tuple[RunState, Document | None]:
        """A run and its incident, if a command to it was set aside. Raises Refused (NOT_FOUND) for an unknown one."""
        document = await self._runs.find_one({"_id": run_id, "organization_id": organization_id})
        if document is None:
            raise Refused.because(not_found(run_id))
        return from_document(document).state, document.get("incident")

    async def runs(
        self, organization_id: str, filters: RunFilters, sort: RunSort | None, cursor: str | None, limit: int
    ) -> Page[RunState]:
        """Raises Refused (VALIDATION_ERROR) for an order that does not go with the filters, or a foreign cursor."""
        listing = filters.listing(organization_id, sort, cursor, limit)
        return (await page_of(self._runs, listing)).map(state_of)

    async def page(self, listing: Listing) -> Page[Document]:
        """Raises Refused for a cursor that does not belong to the list."""
        return await page_of(self._runs, listing)

    async def states(self, run_ids: Collection[str]) -> dict[str, RunState]:
        """The runs that are there, by id."""
        found = self._runs.find({"_id": {"$in": list(run_ids)}}, {"state": 1})
        return {document["_id"]: state_of(document) async for document in found}
