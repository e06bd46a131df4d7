"""What became of a command: asked of the service that took it."""

from dataclasses import dataclass

from contracts.replies import Reply
from services.gateway.operation_ids import OperationId
from services.gateway.owners import Owner

_PATHS = {
    "run": "/internal/runs",
    "playbook": "/internal/playbooks",
    "policy": "/internal/policies",
    "calendar": "/internal/calendars",
    "webhook": "/internal/webhooks",
    "delegation": "/internal/delegations",
}


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """A reply, and the fingerprint of the request if its owner tells; without a reply, none is known."""

    reply: Reply | None
    fingerprint: str | None


class CommandOutcomes:
    """Raises Unavailable if the owner does not answer, Refused (NOT_FOUND) for an outcome that has expired."""

    def __init__(self, registry: Owner, run_engine: Owner, notifier: Owner) -> None:
        self._owners = {
            "run": run_engine,
            "playbook": registry,
            "policy": registry,
            "calendar": registry,
            "delegation": registry,
            "webhook": notifier,
        }

    async def find(self, operation: OperationId, organization_id: str) -> CommandOutcome:
        path = f"{_PATHS[operation.kind]}/{operation.name}/commands/{operation.command_id}"
        found = (await self._owners[operation.kind].get(path, [("organization_id", organization_id)])).data()
        reply = Reply.model_validate(found["reply"]) if found["reply"] is not None else None
        return CommandOutcome(reply, found.get("fingerprint"))
