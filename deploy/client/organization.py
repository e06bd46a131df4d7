"""What an organization demands of its playbooks and runs, when it works, and who stands in for whom."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .shapes import (
    Access,
    Calendar,
    Calendars,
    Delegation,
    DelegationRequest,
    Policies,
    Policy,
    PolicyTrialReport,
    Secret,
    Secrets,
)
from .transport import Transport


class Organization(Transport):
    def each_access_of_organization(self, **query: Any) -> AsyncIterator[Access]:
        """Returns the records of all runs' access logs, and of keys, erasures and secrets; takes `outcome`."""
        return self.pages("/organization/access-log", items="access_log", **query)

    async def secrets(self) -> Secrets:
        """Returns what is known of the named secrets, without their values."""
        listed: Secrets = await self.read("/secrets")
        return listed

    async def put_secret(self, name: str, value: str) -> Secret:
        """Sets or rotates the secret that playbooks name in `automation_config.auth`."""
        body = {"action": "update", "secret": {"value": value}}
        put: Secret = await self.command("PUT", "/secrets/{}", name, body=body)
        return put

    async def delete_secret(self, name: str) -> Secret:
        deleted: Secret = await self.command("DELETE", "/secrets/{}", name)
        return deleted

    async def policies(self) -> Policies:
        """All of them, the defaults included."""
        listed: Policies = await self.read("/policies")
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

    async def try_policy(
        self,
        policy: str,
        document: Mapping[str, Any],
        playbooks_cursor: str | None = None,
        runs_cursor: str | None = None,
        key: str | None = None,
    ) -> PolicyTrialReport:
        """What would break it if it were in force now; nothing is written.

        The cursors are the `next` of the playbooks and of the runs of the report before: those that are given go on.
        """
        cursors = {"playbooks_cursor": playbooks_cursor, "runs_cursor": runs_cursor}
        body = {"action": "try", "document": document, **{n: c for n, c in cursors.items() if c is not None}}
        report: PolicyTrialReport = await self.command("POST", "/policies/{}/trial", policy, body=body, key=key)
        return report

    def each_revision_of_policy(self, policy: str) -> AsyncIterator[Policy]:
        """Newest first."""
        return self.pages("/policies/{}/history", policy, items="revisions")

    async def calendars(self) -> Calendars:
        listed: Calendars = await self.read("/calendars")
        return listed

    async def calendar(self, calendar: str) -> Calendar:
        found: Calendar = await self.read("/calendars/{}", calendar)
        return found

    async def put_calendar(
        self,
        calendar: str,
        document: Mapping[str, Any],
        comment: str | None = None,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Calendar:
        """The whole calendar."""
        body = {"action": "update", "document": document, "comment": comment}
        put: Calendar = await self.command("PUT", "/calendars/{}", calendar, body=body, if_match=if_match, key=key)
        return put

    async def delete_calendar(self, calendar: str, key: str | None = None) -> Calendar:
        deleted: Calendar = await self.command("DELETE", "/calendars/{}", calendar, key=key)
        return deleted

    def each_revision_of_calendar(self, calendar: str) -> AsyncIterator[Calendar]:
        """Newest first."""
        return self.pages("/calendars/{}/history", calendar, items="revisions")

    async def delegate(self, delegation: DelegationRequest | Mapping[str, Any], key: str | None = None) -> Delegation:
        """`substitute` stands in until `ends_at`."""
        body = {"action": "create", "delegation": delegation}
        created: Delegation = await self.command("POST", "/delegations", body=body, key=key)
        return created

    async def delegation(self, delegation_id: str) -> Delegation:
        found: Delegation = await self.read("/delegations/{}", delegation_id)
        return found

    def each_delegation(self, **query: Any) -> AsyncIterator[Delegation]:
        """Of all pages; takes the filters of the list."""
        return self.pages("/delegations", items="delegations", **query)

    async def revoke_delegation(self, delegation_id: str, key: str | None = None) -> Delegation:
        revoked: Delegation = await self.command("DELETE", "/delegations/{}", delegation_id, key=key)
        return revoked
