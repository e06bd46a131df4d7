"""Runs for the eyes of those who may read encrypted fields."""

from collections.abc import Collection, Sequence
from typing import Any

from contracts.encrypted import ERASED, UNREADABLE, encrypted_in, is_encrypted, with_values
from services.run_engine.domain import views
from services.run_engine.domain.clear import GONE, encrypted_of
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.state import RunState
from services.run_engine.sealing.sealer import Sealed, Sealer
from services.run_engine.sealing.store import Owner


class Legible:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def runs(self, states: Sequence[tuple[RunState, Plan]], sensitive: bool) -> list[RunState]:
        """The runs as the caller may see them; `sensitive`: with their encrypted values, erased ones as such."""
        if not sensitive:
            return [views.masked_run(state, plan) for state, plan in states]
        values = {_owner(state): list(encrypted_of(state, plan.definition.encrypted_fields)) for state, plan in states}
        clear = await self._sealer.legible(values, UNREADABLE)
        return [views.revealed_run(state, plan, clear[_owner(state)]) for state, plan in states]

    async def data(self, owner: Owner, data: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
        """The data with what is encrypted under these names in clear."""
        values: list[Sealed] = list(encrypted_in(data, names))
        clear = (await self._sealer.legible({owner: values}, UNREADABLE))[owner]

        def shown(name: str, value: Any) -> Any:
            found = clear[name, value["ciphertext"]] if is_encrypted(value) else value
            return ERASED if found is GONE else found

        made: dict[str, Any] = with_values(data, names, shown)
        return made


def _owner(state: RunState) -> Owner:
    return Owner(state.organization_id, state.run_id)
