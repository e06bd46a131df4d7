"""Playbooks: what can be run."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .shapes import (
    Playbook,
    PlaybookChecked,
    PlaybookCreated,
    PlaybookDraft,
    PlaybookMetrics,
    PlaybookOutline,
    PlaybookPage,
    PlaybookRevised,
    PlaybookStatusChanged,
    Revision,
)
from .transport import Transport

Draft = PlaybookDraft | Mapping[str, Any]


class Playbooks(Transport):
    async def create_playbook(self, playbook: Draft, key: str | None = None) -> PlaybookCreated:
        body = {"action": "create", "playbook": playbook}
        created: PlaybookCreated = await self.command("POST", "/playbooks", body=body, key=key)
        return created

    async def check_playbook(self, playbook: Draft) -> PlaybookChecked:
        """All the checks of a create, and nothing is written."""
        body = {"action": "create", "playbook": playbook}
        checked: PlaybookChecked = await self.command("POST", "/playbooks", body=body, dry_run=True)
        return checked

    async def playbook(self, playbook_id: str) -> Playbook:
        found: Playbook = await self.read("/playbooks/{}", playbook_id)
        return found

    async def revision(self, playbook_id: str, revision: int) -> Revision:
        found: Revision = await self.read("/playbooks/{}/revisions/{}", playbook_id, str(revision))
        return found

    async def playbooks(self, **query: Any) -> PlaybookPage:
        """One page; takes `status`, `type`, `category`, `smart_code`, `q`, `limit`, `cursor`."""
        page: PlaybookPage = await self.read("/playbooks", **query)
        return page

    def each_playbook(self, **query: Any) -> AsyncIterator[PlaybookOutline]:
        """Of all pages; takes the filters of `playbooks`."""
        return self.pages("/playbooks", items="playbooks", **query)

    async def revise_playbook(
        self, playbook_id: str, playbook: Draft, if_match: str | None = None, key: str | None = None
    ) -> PlaybookRevised:
        """`if_match`: the ETag that it must still have, which is its revision in quotes."""
        body = {"action": "update", "playbook": playbook}
        revised: PlaybookRevised = await self.command(
            "PUT", "/playbooks/{}", playbook_id, body=body, if_match=if_match, key=key
        )
        return revised

    async def archive_playbook(self, playbook_id: str, key: str | None = None) -> PlaybookStatusChanged:
        return await self._change("archive", playbook_id, key)

    async def restore_playbook(self, playbook_id: str, key: str | None = None) -> PlaybookStatusChanged:
        return await self._change("restore", playbook_id, key)

    async def delete_playbook(self, playbook_id: str, key: str | None = None) -> PlaybookStatusChanged:
        deleted: PlaybookStatusChanged = await self.command("DELETE", "/playbooks/{}", playbook_id, key=key)
        return deleted

    async def metrics(self, playbook_id: str, period: str = "30d") -> PlaybookMetrics:
        found: PlaybookMetrics = await self.read("/playbooks/{}/metrics", playbook_id, period=period)
        return found

    async def _change(self, action: str, playbook_id: str, key: str | None) -> PlaybookStatusChanged:
        changed: PlaybookStatusChanged = await self.command(
            "POST", f"/playbooks/{{}}/{action}", playbook_id, body={"action": action}, key=key
        )
        return changed
