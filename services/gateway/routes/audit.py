"""What auditors ask of a run: whether its history holds, and all of it in one document."""

from fastapi import Request, Response

from contracts.values import rfc3339
from services.gateway.access_log import accessed_by
from services.gateway.admission import Admission
from services.gateway.owners import Answer, Owner, Params
from services.gateway.routes.paths import query_of, run_id_of
from shared import clock
from shared.errors import Unavailable
from shared.http import success

FORMAT = "hera-playbooks-evidence/1"


class AuditRoutes:
    def __init__(self, admission: Admission, run_engine: Owner, timeline: Owner) -> None:
        self._admission = admission
        self._run_engine = run_engine
        self._timeline = timeline

    async def verification(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        run_id, tenant = run_id_of(request), query_of(request, identity.organization_id)
        return (await self._history(run_id, "verification", tenant)).response()

    async def evidence(self, request: Request) -> Response:
        """Returns a run with its whole history. The run is read first, so that the history, which waits for the run's
        head, holds all that the run shows; with that read the engine stores who exports it.

        Encrypted fields are masked whoever asks: what has left the system no erasure reaches.
        """
        identity = self._admission.query(request, "run:read")
        run_id, tenant = run_id_of(request), query_of(request, identity.organization_id)
        exported = [("exported", "true"), *accessed_by(request, identity)]
        run = (await self._run_engine.get(f"/internal/runs/{run_id}", [*tenant, *exported])).data()
        pinned = await self._run_engine.get(f"/internal/runs/{run_id}/definition", tenant)
        history = await self._history(run_id, "evidence", tenant)
        return success(
            {
                "format": FORMAT,
                "organization_id": identity.organization_id,
                "exported_at": rfc3339(clock.now()),
                "exported_by": identity.caller.id,
                "run": run,
                "playbook": pinned.data(),
                **history.data(),
            },
            headers={"Content-Disposition": f'attachment; filename="{run_id}.evidence.json"'},
        )

    async def run_access(self, request: Request) -> Response:
        return await self._access_log(request, f"/internal/runs/{run_id_of(request)}/access-log")

    async def organization_access(self, request: Request) -> Response:
        return await self._access_log(request, "/internal/access-log")

    async def _access_log(self, request: Request, path: str) -> Response:
        identity = self._admission.query(request, "audit:read")
        params = query_of(request, identity.organization_id, "outcome", "limit", "cursor")
        return (await self._run_engine.get(path, params)).response()

    async def _history(self, run_id: str, what: str, tenant: Params) -> Answer:
        """The engine's head says how many events there must be, and the last one's hash; it is asked for after they
        were counted, so that none of them can be newer than it."""
        timeline = f"/internal/timelines/{run_id}"
        here = (await self._timeline.get(f"{timeline}/count", tenant)).data()["events"]
        head = (await self._run_engine.get(f"/internal/runs/{run_id}/head", tenant)).data()
        about = [("min_sequence", str(head["sequence"])), ("head_hash", head["hash"]), ("here", str(here))]
        answer = await self._timeline.get(f"{timeline}/{what}", [*tenant, *about])
        if answer.status == 404:
            raise Unavailable("The timeline has not seen this run yet")
        return answer
