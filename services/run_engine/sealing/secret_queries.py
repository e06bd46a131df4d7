"""What other services ask of named secrets. Whatever is done with one is in the access log first."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, SecretStr

from contracts.secrets import access_name
from services.run_engine.access_log.store import AccessLog, By
from services.run_engine.sealing.repeats import CommandId, Repeats
from services.run_engine.sealing.secrets import SecretStore
from shared.http import success


class ToBeKept(BaseModel):
    value: SecretStr


def router(secrets: SecretStore, log: AccessLog, repeats: Repeats) -> APIRouter:
    routes = APIRouter(prefix="/internal/secrets")

    @routes.get("")
    async def listed(organization_id: str) -> Response:
        return success({"secrets": await secrets.list(organization_id)})

    @routes.post("/{name}")
    async def put_secret(
        name: str, organization_id: str, kept: ToBeKept, by: By, command_id: CommandId = None
    ) -> Response:
        secrets.require_keys()
        value = kept.value.get_secret_value()
        await log.store([by.record(organization_id, "allowed", [access_name(name)])])
        return await repeats.once(
            organization_id,
            command_id,
            lambda: secrets.put_secret(organization_id, name, value, by.user, command_id),
            value=value,
        )

    @routes.post("/{name}/deletions")
    async def delete(name: str, organization_id: str, by: By, command_id: CommandId = None) -> Response:
        await log.store([by.record(organization_id, "allowed", [access_name(name)])])
        return await repeats.once(
            organization_id,
            command_id,
            lambda: secrets.delete(organization_id, name, command_id),
            lambda: secrets.forget(organization_id, name, command_id),
        )

    @routes.post("/{name}/value")
    async def value(name: str, organization_id: str, by: By, run_id: str, step_id: str) -> Response:
        """For one automated call."""
        found = await secrets.read(organization_id, name)
        await log.store([by.record(organization_id, "disclosed", [access_name(name)], run_id, step_id)])
        return success({"value": found})

    return routes
