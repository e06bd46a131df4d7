"""Operations: how a command came out whose answer was not waited for."""

from typing import Any

from fastapi import Request, Response

from contracts.policies import DELEGATION
from contracts.replies import Reply
from services.gateway.admission import Admission
from services.gateway.commands import OPERATIONS_PATH
from services.gateway.in_force import InForce
from services.gateway.operation_ids import OperationId, kind_of
from services.gateway.outcomes import CommandOutcomes
from services.gateway.owners import BEHIND, CONSISTENCY, Owner, not_found
from services.gateway.routes.paths import CALENDARS, DELEGATIONS, PLAYBOOKS, POLICIES, RUNS, WEBHOOKS, query_of
from shared import clock
from shared.auth import Identity
from shared.errors import Refused
from shared.http import success
from shared.outcomes import OUTCOME_EXPIRED


class OperationRoutes:
    def __init__(self, admission: Admission, outcomes: CommandOutcomes, run_engine: Owner, in_force: InForce) -> None:
        self._admission = admission
        self._outcomes = outcomes
        self._run_engine = run_engine
        self._in_force = in_force

    async def read(self, request: Request) -> Response:
        identity, operation = self._asked(request)
        text = request.path_params["operation_id"]
        if operation.kind == "bulk":
            path, tenant = f"/internal/bulk/{operation.subject}", query_of(request, identity.organization_id)
            found = (await self._run_engine.get(path, tenant)).data()["operation"]
            results = f"{OPERATIONS_PATH}/{text}/results"
            watched = {"operation_id": text, "type": "bulk_signal", "resource": results}
            return success({**watched, **(found or _running(operation))})
        reply = (await self._outcomes.find(operation, identity.organization_id)).reply
        headers = await self._consistency(operation, identity.organization_id, reply)
        shown = {"operation_id": text, "type": "command", **_subject(operation), **_outcome(operation, reply)}
        return success(shown, headers=headers)

    def _asked(self, request: Request) -> tuple[Identity, OperationId]:
        """How a command came out is for those who may read what it was about."""
        text = request.path_params["operation_id"]
        identity = self._admission.query(request, _READING.get(kind_of(text), "run:read"))
        return identity, OperationId.read(text, identity.organization_id)

    async def _consistency(self, operation: OperationId, organization_id: str, reply: Reply | None) -> dict[str, str]:
        """What an organisation has set is in force before it is told, or the answer says otherwise."""
        if operation.kind not in ("policy", "calendar", "delegation") or reply is None or reply.result is None:
            return {}
        kind, _, name = operation.subject.partition(":")
        if operation.kind == DELEGATION:
            kind, name = DELEGATION, operation.subject
        there = await self._in_force.wait(organization_id, kind, name, reply.result["revision"])
        return {} if there else {CONSISTENCY: BEHIND}

    async def results(self, request: Request) -> Response:
        """Of a bulk operation: what became of each of its runs."""
        identity, operation = self._asked(request)
        if operation.kind != "bulk":
            raise not_found("Bulk operation", "operation_id", request.path_params["operation_id"][:200])
        params = query_of(request, identity.organization_id, "status", "limit", "cursor")
        return (await self._run_engine.get(f"/internal/bulk/{operation.subject}/results", params)).response()


_READING: dict[str, str] = {
    "playbook": "playbook:read",
    "policy": "policy:read",
    "calendar": "policy:read",
    "webhook": "webhook:read",
}
"""By kind of operation; of all others run:read."""
_SUBJECTS = {
    "run": ("run_id", RUNS),
    "playbook": ("playbook_id", PLAYBOOKS),
    "policy": ("policy", POLICIES),
    "calendar": ("calendar", CALENDARS),
    "webhook": ("webhook_id", WEBHOOKS),
    "delegation": ("delegation_id", DELEGATIONS),
}


def _subject(operation: OperationId) -> dict[str, str]:
    name, collection = _SUBJECTS[operation.kind]
    return {name: operation.name, "resource": f"{collection}/{operation.name}"}


def _running(operation: OperationId) -> dict[str, Any]:
    """Raises Refused (NOT_FOUND) if it was accepted so long ago that its outcome has expired."""
    if operation.is_expired(clock.now()):
        raise Refused.because(OUTCOME_EXPIRED)
    return {"status": "running"}


def _outcome(operation: OperationId, reply: Reply | None) -> dict[str, Any]:
    if reply is None:
        return _running(operation)
    if reply.rejection is not None:
        return {"status": "failed", "error": reply.rejection.model_dump(mode="json")}
    return {"status": "succeeded", "result": reply.result}
