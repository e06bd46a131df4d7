"""Operations: how a command came out whose answer was not waited for."""

from typing import Any

from fastapi import Request, Response

from contracts.policies import DELEGATION
from contracts.replies import Reply
from services.gateway.admission import Admission
from services.gateway.commands import OPERATIONS_PATH
from services.gateway.in_force import InForce
from services.gateway.operation_ids import OperationId, kind_of
from services.gateway.owners import BEHIND, CONSISTENCY, Owner, not_found
from services.gateway.routes.paths import CALENDARS, DELEGATIONS, PLAYBOOKS, POLICIES, RUNS, WEBHOOKS, query_of
from shared.auth import Identity
from shared.http import success


class OperationRoutes:
    def __init__(
        self, admission: Admission, registry: Owner, run_engine: Owner, notifier: Owner, in_force: InForce
    ) -> None:
        self._admission = admission
        self._run_engine = run_engine
        self._owners = {
            "run": run_engine,
            "playbook": registry,
            "policy": registry,
            "calendar": registry,
            "delegation": registry,
            "webhook": notifier,
        }
        self._in_force = in_force

    async def read(self, request: Request) -> Response:
        identity, operation = self._asked(request)
        text = request.path_params["operation_id"]
        if operation.kind == "bulk":
            path, tenant = f"/internal/bulk/{operation.subject}", query_of(request, identity.organization_id)
            found = (await self._run_engine.get(path, tenant)).data()["operation"]
            results = f"{OPERATIONS_PATH}/{text}/results"
            watched = {"operation_id": text, "type": "bulk_signal", "resource": results}
            return success({**watched, **(found or {"status": "running"})})
        owner = self._owners[operation.kind]
        path = f"{_INTERNAL[operation.kind]}/{_name(operation)}/commands/{operation.command_id}"
        kept = (await owner.get(path, query_of(request, identity.organization_id))).data()["reply"]
        reply = Reply.model_validate(kept) if kept is not None else None
        headers = await self._consistency(operation, identity.organization_id, reply)
        shown = {"operation_id": text, "type": "command", **_subject(operation), **_outcome(reply)}
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
_INTERNAL = {
    "run": "/internal/runs",
    "playbook": "/internal/playbooks",
    "policy": "/internal/policies",
    "calendar": "/internal/calendars",
    "webhook": "/internal/webhooks",
    "delegation": "/internal/delegations",
}
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
    return {name: _name(operation), "resource": f"{collection}/{_name(operation)}"}


def _name(operation: OperationId) -> str:
    """As paths have it: `default` of `calendar:default`."""
    return operation.subject.removeprefix("calendar:") if operation.kind == "calendar" else operation.subject


def _outcome(reply: Reply | None) -> dict[str, Any]:
    if reply is None:
        return {"status": "running"}
    if reply.rejection is not None:
        return {"status": "failed", "error": reply.rejection.model_dump(mode="json")}
    return {"status": "succeeded", "result": reply.result}
