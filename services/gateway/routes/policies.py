"""Policies: list, read, put, history."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from contracts.organization_documents import PutOrganizationDocument
from services.gateway.admission import Admission
from services.gateway.commands import Commands, Errand
from services.gateway.in_force import InForce
from services.gateway.owners import Answer, Owner, Params
from services.gateway.routes.documents import DocumentReads
from services.gateway.routes.paths import POLICIES, if_match, policy_of, query_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import PolicyPut, PolicyTrial
from shared.errors import Refused
from shared.http import success


class PolicyRoutes(DocumentReads):
    def __init__(
        self, admission: Admission, commands: Commands, registry: Owner, run_engine: Owner, in_force: InForce
    ) -> None:
        super().__init__(admission, registry, "policies", policy_of)
        self._commands = commands
        self._run_engine = run_engine
        self._in_force = in_force

    async def trial(self, request: Request) -> Response:
        """A look at what a policy would mean; nothing is written."""
        admitted = await self._admission.command(request, "policy:update")
        kind, asked = policy_of(request), shaped(PolicyTrial, admitted)
        tenant = query_of(request, admitted.identity.organization_id)

        async def look() -> Response:
            return success({"policy": kind, **await self._found(kind, asked, tenant)})

        return await self._commands.once(await self._commands.wish_of(request, admitted), look)

    async def _found(self, kind: str, asked: PolicyTrial, tenant: Params) -> dict[str, Any]:
        playbooks, runs = (_from(cursor) for cursor in (asked.playbooks_cursor, asked.runs_cursor))
        skip = [("skip", "true")] if runs and not playbooks else []
        body = orjson.dumps(asked.document)
        path = f"/internal/policies/{kind}/trial"
        found = _page(await self._registry.post(path, tenant + playbooks + skip, body), "playbooks_cursor")
        seen: dict[str, Any] = {"checked": 0, "violating": [], "next": None}
        if runs or not playbooks:
            path, document = f"/internal/organization-documents/{kind}/trial", orjson.dumps(found["document"])
            seen = _page(await self._run_engine.post(path, tenant + runs, document), "runs_cursor")
        return {**found, "runs": seen}

    async def put(self, request: Request) -> Response:
        """Answered when the engine decides by it: what is sent after the answer is judged by the new policy."""
        admitted = await self._admission.command(request, "policy:update")
        kind, asked = policy_of(request), shaped(PolicyPut, admitted)
        organization_id = admitted.identity.organization_id
        command = PutOrganizationDocument(
            caller=admitted.identity.caller,
            organization_id=organization_id,
            kind=kind,
            content=asked.document,
            if_match=if_match(request),
            comment=asked.comment,
        )

        async def in_force(result: Mapping[str, Any]) -> bool:
            return await self._in_force.wait(organization_id, kind, "", result["revision"])

        errand = Errand("policy", kind, command, 200, f"{POLICIES}/{kind}", {"policy": kind}, in_force)
        return await self._commands.run(await self._commands.wish_of(request, admitted), errand)


def _page(answer: Answer, field: str) -> Any:
    """Raises Refused, with the cursor by the name that the client gave it."""
    try:
        return answer.data()
    except Refused as refused:
        rejection = refused.rejection
        if rejection.details.get("field") != "cursor":
            raise
        raise Refused(rejection.code, rejection.message, **{**rejection.details, "field": field}) from None


def _from(cursor: str | None) -> Params:
    return [("cursor", cursor)] if cursor is not None else []
