"""Playbooks: create, change, archive, delete; list, read, metrics."""

import orjson
from fastapi import Request, Response

from contracts.commands import (
    ArchivePlaybook,
    Command,
    CreatePlaybook,
    DeletePlaybook,
    RestorePlaybook,
    RevisePlaybook,
)
from contracts.definitions import PlaybookDraft
from contracts.rejections import Code
from services.gateway.admission import Admission, Admitted
from services.gateway.commands import Commands, Errand, Prepare
from services.gateway.owners import Owner
from services.gateway.routes.drafts import draft_of
from services.gateway.routes.paths import PLAYBOOKS, flag, if_match, playbook_id_of, query_of, revision_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import PlaybookArchiving, PlaybookCreation, PlaybookRestoring, PlaybookRevision
from shared.errors import Refused, Unavailable


class PlaybookCommandRoutes:
    """What changes playbooks."""

    def __init__(self, admission: Admission, commands: Commands, registry: Owner, run_engine: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._registry = registry
        self._run_engine = run_engine

    async def create(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "playbook:create")
        draft = await draft_of(PlaybookCreation, admitted, self._registry)
        wish = await self._commands.wish_of(request, admitted)
        if flag(request, "dry_run"):
            return await self._checked(request, admitted, draft)
        playbook_id = wish.id_of("pb")
        command = CreatePlaybook(
            caller=admitted.identity.caller,
            playbook_id=playbook_id,
            organization_id=wish.organization_id,
            draft=draft,
        )
        return await self._commands.run(wish, _errand(playbook_id, command, 201))

    async def revise(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "playbook:update")
        playbook_id = playbook_id_of(request)
        draft = await draft_of(PlaybookRevision, admitted, self._registry)
        wish = await self._commands.wish_of(request, admitted)
        if flag(request, "dry_run"):
            return await self._checked(request, admitted, draft, ("playbook_id", playbook_id))
        command = RevisePlaybook(**_subject(request, admitted), draft=draft)
        return await self._commands.run(wish, _errand(playbook_id, command))

    async def archive(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "playbook:update")
        shaped(PlaybookArchiving, admitted)
        command = ArchivePlaybook(**_subject(request, admitted))
        return await self._commands.run(
            await self._commands.wish_of(request, admitted), _errand(command.playbook_id, command)
        )

    async def restore(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "playbook:update")
        shaped(PlaybookRestoring, admitted)
        command = RestorePlaybook(**_subject(request, admitted))
        return await self._commands.run(
            await self._commands.wish_of(request, admitted), _errand(command.playbook_id, command)
        )

    async def delete(self, request: Request) -> Response:
        admitted = self._admission.bare_command(request, "playbook:delete")
        command = DeletePlaybook(**_subject(request, admitted))

        async def without_open_runs() -> Command:
            await self._without_open_runs(request, command)
            return command

        wish = await self._commands.wish_of(request, admitted)
        return await self._commands.run(wish, _errand(command.playbook_id, without_open_runs))

    async def _checked(
        self, request: Request, admitted: Admitted, draft: PlaybookDraft, *of: tuple[str, str]
    ) -> Response:
        """All the checks, nothing written."""
        params = [("organization_id", admitted.identity.organization_id), *of]
        expected = if_match(request)
        params += [("if_match", expected)] if expected is not None else []
        body = orjson.dumps(draft.model_dump(mode="json", exclude_unset=True))
        return (await self._registry.post("/internal/playbooks/checks", params, body)).response()

    async def _without_open_runs(self, request: Request, command: DeletePlaybook) -> None:
        """A run that starts in between is none the worse: it carries its definition with it."""
        params = [("playbook_id", command.playbook_id), *query_of(request, command.organization_id)]
        count = (await self._run_engine.get("/internal/runs/open", params)).data()["open_runs"]
        if count:
            raise Refused(
                Code.CONFLICT,
                f"Playbook {command.playbook_id} has {count} open runs",
                field="playbook_id",
                value=command.playbook_id,
                reason="Only a playbook without open runs is deleted; archive it, and it starts no more",
                open_runs=count,
            )


class PlaybookReadRoutes:
    """What is asked about playbooks."""

    def __init__(self, admission: Admission, registry: Owner, analytics: Owner) -> None:
        self._admission = admission
        self._registry = registry
        self._analytics = analytics

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        names = ("status", "type", "category", "smart_code", "q", "limit", "cursor")
        return (
            await self._registry.get("/internal/playbooks", query_of(request, identity.organization_id, *names))
        ).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        path = f"/internal/playbooks/{playbook_id_of(request)}"
        answer = await self._registry.get(path, query_of(request, identity.organization_id))
        return answer.response(request.headers.get("if-none-match"))

    async def revision(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        path = f"/internal/playbooks/{playbook_id_of(request)}/revisions/{revision_of(request)}"
        return (await self._registry.get(path, query_of(request, identity.organization_id))).response()

    async def metrics(self, request: Request) -> Response:
        identity = self._admission.query(request, "playbook:read")
        path = f"/internal/playbooks/{playbook_id_of(request)}"
        answer = await self._analytics.get(f"{path}/metrics", query_of(request, identity.organization_id, "period"))
        if answer.status == 404:
            (await self._registry.get(f"{path}/head", query_of(request, identity.organization_id))).data()
            raise Unavailable("Analytics has not seen this playbook yet")  # it is there: the registry has just said so
        return answer.response()


def _subject(request: Request, admitted: Admitted) -> dict[str, object]:
    """What every change of a playbook carries."""
    return {
        "caller": admitted.identity.caller,
        "playbook_id": playbook_id_of(request),
        "organization_id": admitted.identity.organization_id,
        "if_match": if_match(request),
    }


def _errand(playbook_id: str, command: Command | Prepare, status: int = 200) -> Errand:
    location = f"{PLAYBOOKS}/{playbook_id}"
    return Errand("playbook", playbook_id, command, status, location, {"playbook_id": playbook_id})
