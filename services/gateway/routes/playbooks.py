"""Playbooks: create, list, read, metrics."""

from fastapi import Request, Response

from contracts import topics
from contracts.commands import CreatePlaybook
from services.gateway.admission import Admission
from services.gateway.commands import Commands, Errand, wish_of
from services.gateway.owners import Owner
from services.gateway.routes.operations.common import PLAYBOOKS
from services.gateway.routes.paths import playbook_id_of, query_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import PlaybookCreation
from shared.errors import Unavailable


class PlaybookRoutes:
    def __init__(self, admission: Admission, commands: Commands, registry: Owner, analytics: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._registry = registry
        self._analytics = analytics

    async def create(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "playbook:create")
        creation = shaped(PlaybookCreation, admitted)
        wish = wish_of(request, admitted)
        playbook_id = wish.id_of("pb")
        command = CreatePlaybook(
            caller=admitted.identity.caller,
            playbook_id=playbook_id,
            organization_id=wish.organization_id,
            draft=creation.playbook,
        )
        location = f"{PLAYBOOKS}/{playbook_id}"
        errand = Errand(topics.REGISTRY_COMMANDS, playbook_id, command, 201, location, {"playbook_id": playbook_id})
        return await self._commands.run(wish, errand)

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        params = query_of(request, identity.organization_id, "status", "limit", "cursor")
        return (await self._registry.get("/internal/playbooks", params)).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        path = f"/internal/playbooks/{playbook_id_of(request)}"
        return (await self._registry.get(path, query_of(request, identity.organization_id))).response()

    async def metrics(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        path = f"/internal/playbooks/{playbook_id_of(request)}"
        answer = await self._analytics.get(f"{path}/metrics", query_of(request, identity.organization_id, "period"))
        if answer.status == 404:
            (await self._registry.get(f"{path}/head", query_of(request, identity.organization_id))).data()
            raise Unavailable("Analytics has not seen this playbook yet")  # it is there: the registry has just said so
        return answer.response()
