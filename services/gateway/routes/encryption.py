"""Encrypted data: erased for one run or a whole organisation, encrypted under a new key from now on."""

from fastapi import Request, Response

from contracts.commands import EraseEncryptedData
from services.gateway.access_log import accessed_by
from services.gateway.admission import Admission, Admitted
from services.gateway.commands import Commands, Errand
from services.gateway.owners import Owner
from services.gateway.routes.paths import RUNS, query_of, run_id_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import KeyRotation


class EncryptionRoutes:
    def __init__(self, admission: Admission, commands: Commands, run_engine: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._run_engine = run_engine

    async def erase_run(self, request: Request) -> Response:
        """The keys that there are now are named: the command that comes again destroys no later ones."""
        admitted = self._admission.bare_command(request, "data:erase")
        run_id, wish = run_id_of(request), await self._commands.wish_of(request, admitted)

        async def with_keys() -> EraseEncryptedData:
            params = query_of(request, wish.organization_id)
            found = (await self._run_engine.get(f"/internal/runs/{run_id}/keys", params)).data()
            return EraseEncryptedData(caller=admitted.identity.caller, key_ids=found["key_ids"])

        errand = Errand("run", run_id, with_keys, 200, f"{RUNS}/{run_id}", {"run_id": run_id})
        return await self._commands.run(wish, errand)

    async def erase_organization(self, request: Request) -> Response:
        """Under an Idempotency-Key, what is sent again does not destroy the keys of later values."""
        admitted = self._admission.bare_command(request, "data:erase")
        by = ("erased_by", admitted.identity.caller.id)
        return await self._once(request, admitted, "/internal/encrypted-data/erasures", by)

    async def rotate_key(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "key:rotate")
        shaped(KeyRotation, admitted)
        return await self._once(request, admitted, "/internal/keys/rotations")

    async def _once(self, request: Request, admitted: Admitted, path: str, *more: tuple[str, str]) -> Response:
        wish = await self._commands.wish_of(request, admitted)
        by = [*accessed_by(request, admitted.identity), *wish.repeatable]
        params = [*query_of(request, admitted.identity.organization_id), *by, *more]

        async def ask() -> Response:
            return (await self._run_engine.post(path, params, b"")).response()

        return await self._commands.once(wish, ask)
