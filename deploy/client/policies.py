"""What an organization demands of its playbooks and runs."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .shapes import Policies as Listed
from .shapes import Policy
from .transport import Transport


class Policies(Transport):
    async def policies(self) -> Listed:
        """All of them, the defaults included."""
        listed: Listed = await self.read("/policies")
        return listed

    async def policy(self, policy: str) -> Policy:
        found: Policy = await self.read("/policies/{}", policy)
        return found

    async def put_policy(
        self,
        policy: str,
        document: Mapping[str, Any],
        comment: str | None = None,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Policy:
        """The whole document; what it leaves out is as it is by default."""
        body = {"action": "update", "document": document, "comment": comment}
        put: Policy = await self.command("PUT", "/policies/{}", policy, body=body, if_match=if_match, key=key)
        return put

    def each_revision_of_policy(self, policy: str) -> AsyncIterator[Policy]:
        """Newest first."""
        return self.pages("/policies/{}/history", policy, items="revisions")
