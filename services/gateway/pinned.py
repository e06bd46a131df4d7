"""The definition that a new run is pinned to: the playbook's current revision, as the registry has it now."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from contracts.definitions import PlaybookDefinition
from contracts.rejections import Code
from services.gateway.coalescing import Coalescer
from services.gateway.owners import Owner, not_found, segment
from shared.errors import Refused

_REMEMBERED_REVISIONS = 1000


@dataclass(frozen=True, slots=True)
class Pinned:
    """A playbook's current revision, and whether it starts runs."""

    definition: PlaybookDefinition
    status: str

    def require_active(self) -> PlaybookDefinition:
        """Raises Refused (CONFLICT) for an archived playbook."""
        if self.status != "active":
            raise _archived(self.definition.playbook_id, self.status)
        return self.definition


class PlaybookKey(NamedTuple):
    organization_id: str
    playbook_id: str


class PinnedDefinitions:
    """Asks the registry's head for every start; revisions never change and are remembered."""

    def __init__(self, registry: Owner) -> None:
        self._registry = registry
        self._current = Coalescer(self._look_up)
        self._revisions: OrderedDict[tuple[PlaybookKey, int], PlaybookDefinition] = OrderedDict()

    async def current(self, organization_id: str, playbook_id: str) -> Pinned:
        """Raises Refused (NOT_FOUND) for an unknown playbook, and for a deleted one."""
        return await self._current.get(PlaybookKey(organization_id, playbook_id))

    async def _look_up(self, key: PlaybookKey) -> Pinned:
        answer = await self._registry.get(f"{_path(key)}/head", _tenant(key))
        if answer.status == 404:
            raise not_found("Playbook", "run.playbook_id", key.playbook_id)
        head = answer.data()
        return Pinned(await self._revision(key, head["revision"]), head["status"])

    async def _revision(self, key: PlaybookKey, revision: int) -> PlaybookDefinition:
        known = self._revisions.get((key, revision))
        if known is None:
            answer = await self._registry.get(f"{_path(key)}/revisions/{revision}", _tenant(key))
            known = self._revisions[key, revision] = PlaybookDefinition.model_validate(answer.data())
            if len(self._revisions) > _REMEMBERED_REVISIONS:
                self._revisions.popitem(last=False)
        self._revisions.move_to_end((key, revision))
        return known


def _path(key: PlaybookKey) -> str:
    return f"/internal/playbooks/{segment(key.playbook_id)}"


def _tenant(key: PlaybookKey) -> list[tuple[str, str]]:
    return [("organization_id", key.organization_id)]


def _archived(playbook_id: str, status: str) -> Refused:
    return Refused(
        Code.CONFLICT,
        f"Playbook {playbook_id} is {status} and starts no runs",
        field="run.playbook_id",
        value=playbook_id,
        reason="Only an active playbook starts runs",
    )
