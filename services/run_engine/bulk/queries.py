"""The engine's query endpoints about bulk operations, for the gateway."""

from typing import Any

from fastapi import APIRouter, Response

from contracts.bulk import SignalRuns
from contracts.rejections import Code
from contracts.values import rfc3339
from services.run_engine.bulk.selection import listing_of
from services.run_engine.bulk.store import BulkStore, ResultStatus
from services.run_engine.queries import Limit
from services.run_engine.reads import RunReads
from shared.errors import Refused
from shared.http import success
from shared.mongo import Document
from shared.pages import DEFAULT_LIMIT


def router(store: BulkStore, reads: RunReads) -> APIRouter:
    routes = APIRouter(prefix="/internal/bulk")

    @routes.post("/matches")
    async def matches(command: SignalRuns, organization_id: str) -> Response:
        """How many runs the command would go to now."""
        listing = listing_of(organization_id, command.selection, command.signal.type, None, 1)
        page = await reads.page(listing)
        return success({"matched": page.total, "matched_is_exact": page.is_exact})

    @routes.get("/{operation_id}")
    async def operation(operation_id: str, organization_id: str) -> Response:
        found = await store.read(organization_id, operation_id)
        return success({"operation": _view(found) if found is not None else None})

    @routes.get("/{operation_id}/results")
    async def results(
        operation_id: str,
        organization_id: str,
        status: ResultStatus | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        if await store.read(organization_id, operation_id) is None:
            raise Refused(Code.NOT_FOUND, "The operation has not begun", field="operation_id", value=operation_id)
        page = (await store.results(operation_id, status, cursor, limit)).map(_result)
        return success({"results": page.items, **page.about()})

    return routes


def _view(found: Document) -> Document:
    command = SignalRuns.model_validate_json(found["command"])
    counts: dict[str, int] = found["counts"]
    return {
        "status": "succeeded" if found["status"] == "done" else "running",
        "signal_type": command.signal.type,
        "created_at": rfc3339(found["at"]),
        "finished_at": rfc3339(found["finished_at"]) if found["finished_at"] else None,
        "all_found": bool(found["walked"]),
        "counts": {
            "matched": sum(counts.values()),
            **{status: counts.get(status, 0) for status in ("pending", "succeeded", "failed")},
        },
    }


def _result(row: Document) -> dict[str, Any]:
    error = {"error": row["error"]} if "error" in row else {}
    return {"run_id": row["run_id"], "status": row["status"], "at": rfc3339(row["at"]), **error}
