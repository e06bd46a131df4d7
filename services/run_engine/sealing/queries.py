"""What other services ask of encryption. They hold no keys: what is to be sealed or opened is sent here."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.run_engine.access_log.store import AccessLog, By
from services.run_engine.execution import not_found
from services.run_engine.sealing.erasures import Erasures
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.legible import Legible
from services.run_engine.sealing.repeats import CommandId, Repeats, requests_of
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.store import KeyStore, Owner
from shared.errors import Refused
from shared.http import success


class ToBeSealed(BaseModel):
    data: dict[str, Any]
    fields: list[str] | None = None
    """Names; None: every value, where the installation has keys at all."""
    where: str = "data"
    """Path of the data in what the client sent."""
    digest: str | None = None
    """SHA-256 of the whole request, for which a fingerprint is asked."""


class ToBeOpened(BaseModel):
    data: dict[str, Any]
    fields: list[str]
    step_id: str | None = None
    """For which step's call, so that the access log says it."""


def router(
    sealer: Sealer,
    keys: KeyStore,
    fields: EncryptedFields,
    legible: Legible,
    erasures: Erasures,
    log: AccessLog,
    repeats: Repeats,
) -> APIRouter:
    routes = APIRouter(prefix="/internal")

    @routes.get("/runs/{run_id}/encrypted-fields")
    async def encrypted_fields(run_id: str, organization_id: str) -> Response:
        owner = Owner(organization_id, run_id)
        found = await fields.of_runs([owner])
        if owner not in found:
            raise Refused.because(not_found(run_id))
        return success({"fields": sorted(found[owner])})

    @routes.get("/runs/{run_id}/keys")
    async def keys_of(run_id: str, organization_id: str) -> Response:
        """None of an unknown run, whose erasure is refused like every command to it."""
        return success({"key_ids": await keys.of_run(Owner(organization_id, run_id))})

    @routes.post("/runs/{run_id}/sealed")
    async def sealed(run_id: str, organization_id: str, asked: ToBeSealed) -> Response:
        owner = Owner(organization_id, run_id)
        if asked.fields is None and not keys.are_configured:
            return success({"data": asked.data, "fingerprint": None})
        names = list(asked.data) if asked.fields is None else asked.fields
        data = await sealer.sealed(owner, asked.data, names, asked.where)
        if asked.fields is None and asked.digest:  # a bulk operation's own key is gone when it is over
            fingerprint = await sealer.fingerprint_made(requests_of(organization_id), asked.digest)
        else:
            fingerprint = await sealer.fingerprint(owner, asked.digest) if asked.digest else None
        return success({"data": data, "fingerprint": fingerprint})

    @routes.post("/runs/{run_id}/opened")
    async def opened(run_id: str, organization_id: str, asked: ToBeOpened, by: By) -> Response:
        owner = Owner(organization_id, run_id)
        return success({"data": await legible.data(owner, asked.data, asked.fields, by, asked.step_id)})

    @routes.post("/encrypted-data/erasures")
    async def erase(organization_id: str, erased_by: str, by: By, command_id: CommandId = None) -> Response:
        await log.store([by.record(organization_id, "allowed")])
        return await repeats.once(
            organization_id,
            command_id,
            lambda: erasures.of_organization(organization_id, erased_by, command_id),
        )

    @routes.post("/keys/rotations")
    async def rotate(organization_id: str, by: By, command_id: CommandId = None) -> Response:
        async def rotated() -> dict[str, str]:
            return {"organization_id": organization_id, "key_id": (await keys.rotate(organization_id)).key_id}

        await log.store([by.record(organization_id, "allowed")])
        return await repeats.once(organization_id, command_id, rotated)

    return routes
