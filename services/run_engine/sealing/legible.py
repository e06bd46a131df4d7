"""Runs for the eyes of those who may read encrypted fields."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends

from contracts.access_log import AccessOutcome
from contracts.encrypted import ERASED, UNREADABLE, encrypted_in, is_encrypted, with_values
from services.run_engine.access_log.store import AccessedBy, AccessLog, By
from services.run_engine.domain import views
from services.run_engine.domain.clear import GONE, encrypted_of
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.state import RunState
from services.run_engine.sealing.sealer import Sealed, Sealer
from services.run_engine.sealing.store import Owner


@dataclass(frozen=True, slots=True)
class Sight:
    """Who reads runs, and how much of them they may see."""

    sensitive: bool = False
    """With the values of encrypted fields."""
    exported: bool = False
    """For evidence, which leaves the system."""
    by: AccessedBy = field(default_factory=AccessedBy)


def _sight(by: By, sensitive: bool = False, exported: bool = False) -> Sight:
    return Sight(sensitive, exported, by)


Seen = Annotated[Sight, Depends(_sight)]


class Legible:
    """Opens values for readers. Each of its answers with a clear value is in the access log before it is given."""

    def __init__(self, sealer: Sealer, log: AccessLog) -> None:
        self._sealer = sealer
        self._log = log

    async def runs(self, states: Sequence[tuple[RunState, Plan]], sight: Sight) -> list[RunState]:
        """Returns the runs as the caller may see them; what was erased is shown as such."""
        if not (sight.sensitive or sight.exported):
            return [views.masked_run(state, plan) for state, plan in states]
        values = {_owner(state): list(encrypted_of(state, plan.definition.encrypted_fields)) for state, plan in states}
        await self._note(values, sight)
        if not sight.sensitive:
            return [views.masked_run(state, plan) for state, plan in states]
        clear = await self._sealer.legible(values, UNREADABLE)
        return [views.revealed_run(state, plan, clear[_owner(state)]) for state, plan in states]

    async def _note(self, values: dict[Owner, list[Sealed]], sight: Sight) -> None:
        """Stores who is about to see which fields. An export counts whatever it holds."""
        outcome: AccessOutcome = "exported" if sight.exported else "disclosed"
        await self._log.store(
            [
                sight.by.record(owner.organization_id, outcome, [name for name, _ in sealed], owner.run_id)
                for owner, sealed in values.items()
                if sealed or sight.exported
            ]
        )

    async def data(
        self, owner: Owner, data: dict[str, Any], names: Collection[str], by: AccessedBy, step_id: str | None = None
    ) -> dict[str, Any]:
        """Returns the data with what is encrypted under these names in clear."""
        values: list[Sealed] = list(encrypted_in(data, names))
        fields = [name for name, _ in values]
        await self._log.store([by.record(owner.organization_id, "disclosed", fields, owner.run_id, step_id)])
        clear = (await self._sealer.legible({owner: values}, UNREADABLE))[owner]

        def shown(name: str, value: Any) -> Any:
            found = clear[name, value["ciphertext"]] if is_encrypted(value) else value
            return ERASED if found is GONE else found

        made: dict[str, Any] = with_values(data, names, shown)
        return made


def _owner(state: RunState) -> Owner:
    return Owner(state.organization_id, state.run_id)
