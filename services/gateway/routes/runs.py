"""Runs: start, complete a step, signal, list, read, timeline."""

from functools import partial

from fastapi import Request, Response

from contracts.bulk import SignalRuns
from contracts.commands import ClaimStep, Command, CompleteStep, ReceiveEvent, ReleaseStep, StartRun, UpdateData
from contracts.permissions import RUN_DATA, RUN_UPDATE, SIGNAL_PERMISSIONS, TO_SIGNAL
from services.gateway.access_log import accessed_by
from services.gateway.admission import Admission, Admitted, require_permission
from services.gateway.commands import Commands, Errand, Prepare
from services.gateway.owners import REPLAYED, Owner, Params, not_found
from services.gateway.pinned import Pinned, PinnedDefinitions
from services.gateway.routes.paths import RUNS, flag, if_match, is_id, query_of, run_id_of, step_id_of
from services.gateway.sealing import SealedData, Sealing
from services.gateway.shapes.checking import run_smart_code, shaped, shaped_with_signal
from services.gateway.shapes.requests import (
    BulkSignal,
    RunCreation,
    RunRequest,
    RunSignal,
    RunUpdate,
    StepClaim,
    StepCompletion,
    StepRelease,
)
from shared.auth import Identity
from shared.clear_places import nothing_secret
from shared.errors import Refused, Unavailable
from shared.signals import signal_command

_PAGE = ("sort", "limit", "cursor")
_RUN_FILTERS = (
    "status", "playbook_id", "entity_type", "entity_id", "assignee", "priority", "overdue", "created_from",
    "created_to", "updated_from", "updated_to", *_PAGE,
)  # fmt: skip
_TASK_FILTERS = ("assignment", "priority", "playbook_id", "overdue", "due_from", "due_to", *_PAGE)


class RunCommandRoutes:
    """What changes runs."""

    def __init__(self, admission: Admission, commands: Commands, pinned: PinnedDefinitions, run_engine: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._pinned = pinned
        self._run_engine = run_engine
        self._sealing = Sealing(run_engine)

    async def start(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "run:create")
        asked = shaped(RunCreation, admitted).run
        run_smart_code(asked.smart_code)
        if not is_id(asked.playbook_id):
            raise not_found("Playbook", "run.playbook_id", asked.playbook_id)
        wish = await self._commands.wish_of(request, admitted)
        run_id, early, pinned = wish.id_of("run"), None, None
        if wish.fingerprint is not None and asked.initial_data:
            early = await self._current(wish.organization_id, asked.playbook_id)
            fields = early.definition.encrypted_fields if early else await self._fields_of(wish.organization_id, run_id)
            wish = wish.told_by((await self._sealed_data(fields, run_id, admitted, asked)).fingerprint)

        async def command() -> StartRun:
            nonlocal pinned
            current = early or await self._pinned.current(wish.organization_id, asked.playbook_id)
            pinned = current.require_active()
            nothing_secret(pinned.encrypted_fields, {"run.context": asked.context, "run.metadata": asked.metadata})
            sealed = await self._sealed_data(pinned.encrypted_fields, run_id, admitted, asked)
            return StartRun(
                caller=admitted.identity.caller,
                run_id=run_id,
                organization_id=wish.organization_id,
                definition=pinned,
                smart_code=asked.smart_code,
                context=asked.context,
                initial_data=sealed.data,
                metadata=asked.metadata,
            )

        subject = {"run_id": run_id, "playbook_id": asked.playbook_id}
        answer = await self._commands.run(wish, _errand(run_id, command, subject, status=201))
        if pinned is not None and answer.status_code == 201 and REPLAYED not in answer.headers:
            self._sealing.started(wish.organization_id, run_id, pinned.encrypted_fields)
        return answer

    async def _current(self, organization_id: str, playbook_id: str) -> Pinned | None:
        """Returns an archived one too, None for one that is unknown or deleted."""
        try:
            return await self._pinned.current(organization_id, playbook_id)
        except Refused:
            return None

    async def _fields_of(self, organization_id: str, run_id: str) -> frozenset[str]:
        """Returns which fields a start encrypted whose playbook has been deleted since.

        Without them a repeat under its key would look like another body.
        """
        try:
            return await self._sealing.fields_of(organization_id, run_id)
        except Refused:
            return frozenset()  # it was never started

    async def _sealed_data(
        self, fields: frozenset[str], run_id: str, admitted: Admitted, asked: RunRequest
    ) -> SealedData:
        return await self._sealing.sealed(admitted, run_id, asked.initial_data, fields, "run.initial_data")

    async def complete(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "step:complete", "step:work")
        run_id, step_id = run_id_of(request), step_id_of(request)
        completion = shaped(StepCompletion, admitted).completion
        more = {f"completion.attachments[{n}]": a.model_extra for n, a in enumerate(completion.attachments)}
        sealed = await self._sealing.of_run(admitted, run_id, completion.data, "completion.data", more)
        command = CompleteStep(
            caller=admitted.identity.caller,
            step_id=step_id,
            outcome=completion.outcome,
            completed_by=completion.completed_by,
            data=sealed.data,
            attachments=completion.attachments,
            next_step_assignments=completion.next_step_assignments,
        )
        subject = {"run_id": run_id, "step_id": step_id}
        wish = (await self._commands.wish_of(request, admitted)).told_by(sealed.fingerprint)
        return await self._commands.run(wish, _errand(run_id, command, subject))

    async def bulk_signal(self, request: Request) -> Response:
        admitted = await self._admission.command(request, RUN_UPDATE, *TO_SIGNAL)
        asked = shaped_with_signal(BulkSignal, admitted)
        require_permission(admitted.identity, SIGNAL_PERMISSIONS[asked.signal.type])
        wish = await self._commands.wish_of(request, admitted)
        operation_id, caller = wish.id_of("bulk"), admitted.identity.caller
        signal_command(asked.signal, operation_id, caller)  # refused at once for what each run would refuse
        command = SignalRuns(caller=caller, operation_id=operation_id, selection=asked.filter, signal=asked.signal)
        if flag(request, "dry_run"):
            params = query_of(request, wish.organization_id)
            return (await self._run_engine.post("/internal/bulk/matches", params, _json(command))).response()
        command, fingerprint = await self._sealed(admitted, command)
        wish = wish.told_by(fingerprint)
        return await self._commands.run(
            wish, Errand("bulk", operation_id, command, 202, "", {"signal_type": asked.signal.type})
        )

    async def _sealed(self, admitted: Admitted, command: SignalRuns) -> tuple[SignalRuns, str | None]:
        signal, whole = command.signal, partial(self._sealing.whole, admitted, command.operation_id)
        data, metadata = await whole(signal.data, "signal.data"), await whole(signal.metadata, "signal.metadata")
        sealed = signal.model_copy(update={"data": data.data, "metadata": metadata.data})
        return command.model_copy(update={"signal": sealed}), data.fingerprint or metadata.fingerprint

    async def claim(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "step:complete")
        run_id, step_id = run_id_of(request), step_id_of(request)
        shaped(StepClaim, admitted)
        return await self._to_step(
            request, admitted, ClaimStep(caller=admitted.identity.caller, step_id=step_id), run_id
        )

    async def release(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "step:complete")
        run_id, step_id = run_id_of(request), step_id_of(request)
        reason = shaped(StepRelease, admitted).reason
        command = ReleaseStep(caller=admitted.identity.caller, step_id=step_id, reason=reason)
        return await self._to_step(request, admitted, command, run_id)

    async def _to_step(
        self, request: Request, admitted: Admitted, command: ClaimStep | ReleaseStep, run_id: str
    ) -> Response:
        subject = {"run_id": run_id, "step_id": command.step_id}
        return await self._commands.run(
            await self._commands.wish_of(request, admitted), _errand(run_id, command, subject)
        )

    async def update(self, request: Request) -> Response:
        admitted = await self._admission.command(request, RUN_UPDATE, RUN_DATA)
        run_id = run_id_of(request)
        change = shaped(RunUpdate, admitted).run
        beside = {"run.metadata": change.metadata}
        sealed = await self._sealing.of_run(admitted, run_id, change.data, "run.data", beside)
        command = UpdateData(
            caller=admitted.identity.caller,
            data=sealed.data,
            metadata=change.metadata,
            priority=change.priority,
            if_match=if_match(request),
        )
        wish = (await self._commands.wish_of(request, admitted)).told_by(sealed.fingerprint)
        return await self._commands.run(wish, _errand(run_id, command, {"run_id": run_id}))

    async def signal(self, request: Request) -> Response:
        admitted = await self._admission.command(request, RUN_UPDATE, *TO_SIGNAL)
        run_id = run_id_of(request)
        signal = shaped_with_signal(RunSignal, admitted).signal
        require_permission(admitted.identity, SIGNAL_PERMISSIONS[signal.type])
        wish = await self._commands.wish_of(request, admitted)
        command = signal_command(signal, wish.id_of("sig"), admitted.identity.caller)
        data = command.data if isinstance(command, ReceiveEvent) else {}
        beside = {"signal.metadata": signal.metadata}
        sealed = await self._sealing.of_run(admitted, run_id, data, "signal.data", beside)
        command = command.model_copy(update={"data": sealed.data}) if data else command
        wish = wish.told_by(sealed.fingerprint)
        subject = {"signal_id": command.signal_id, "run_id": run_id, "signal_type": signal.type}
        return await self._commands.run(wish, _errand(run_id, command, subject))


class RunReadRoutes:
    """What is asked about runs."""

    def __init__(self, admission: Admission, run_engine: Owner, timeline: Owner) -> None:
        self._admission = admission
        self._run_engine = run_engine
        self._timeline = timeline

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        params = query_of(request, identity.organization_id, *_RUN_FILTERS)
        return (await self._run_engine.get("/internal/runs", params + _sight(request, identity))).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        path = f"/internal/runs/{run_id_of(request)}"
        params = query_of(request, identity.organization_id) + _sight(request, identity)
        return (await self._run_engine.get(path, params)).response(request.headers.get("if-none-match"))

    async def why(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        params = query_of(request, identity.organization_id) + _sight(request, identity)
        return (await self._run_engine.get(f"/internal/runs/{run_id_of(request)}/why", params)).response()

    async def step(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        path = f"/internal/runs/{run_id_of(request)}/steps/{step_id_of(request)}"
        params = query_of(request, identity.organization_id) + _sight(request, identity)
        return (await self._run_engine.get(path, params)).response()

    async def timeline(self, request: Request) -> Response:
        """The run's head, which the engine writes before it answers anybody, says up to where the timeline must be."""
        identity = self._admission.query(request, "run:read")
        run_id = run_id_of(request)
        flag(request, "include_system_events")
        tenant = query_of(request, identity.organization_id)
        head = (await self._run_engine.get(f"/internal/runs/{run_id}/head", tenant)).data()
        params = query_of(request, identity.organization_id, "include_system_events")
        params.append(("min_sequence", str(head["sequence"])))
        answer = await self._timeline.get(f"/internal/timelines/{run_id}", params)
        if answer.status == 404:
            raise Unavailable("The timeline has not seen this run yet")  # the run is there: its head has just said so
        return answer.response()

    async def tasks(self, request: Request) -> Response:
        """The steps that wait for the caller, or for one of the caller's roles."""
        identity = self._admission.query(request, "run:read")
        params = [*query_of(request, identity.organization_id, *_TASK_FILTERS), *_person(identity)]
        return (await self._run_engine.get("/internal/tasks", params + _sight(request, identity))).response()

    async def task_counts(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        params = [*query_of(request, identity.organization_id), *_person(identity)]
        return (await self._run_engine.get("/internal/tasks/counts", params)).response()


def _json(command: Command) -> bytes:
    return command.model_dump_json().encode()


def _person(identity: Identity) -> list[tuple[str, str]]:
    return [("user_id", identity.caller.id), *(("role", role) for role in identity.caller.roles)]


def _sight(request: Request, identity: Identity) -> Params:
    """Returns what lets the engine show encrypted fields, and whom it then names in the access log."""
    is_let_in = identity.may("run:read_sensitive")
    return [("sensitive", "true"), *accessed_by(request, identity)] if is_let_in else []


def _errand(run_id: str, command: Command | Prepare, subject: dict[str, str], status: int = 200) -> Errand:
    return Errand("run", run_id, command, status, f"{RUNS}/{run_id}", subject)
