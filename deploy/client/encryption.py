"""Encrypted data: erased for good, or encrypted under a new key from now on."""

from .shapes import KeyRotated, OrganizationDataErased, RunDataErased
from .transport import Transport


class Encryption(Transport):
    async def erase_run_data(self, run_id: str, key: str | None = None) -> RunDataErased:
        """What the run's encrypted fields hold can't be read any more."""
        erased: RunDataErased = await self.command("DELETE", "/playbook-runs/{}/encrypted-data", run_id, key=key)
        return erased

    async def erase_organization_data(self, key: str | None = None) -> OrganizationDataErased:
        """What the encrypted fields of all runs hold can't be read any more."""
        erased: OrganizationDataErased = await self.command("DELETE", "/organization/encrypted-data", key=key)
        return erased

    async def rotate_key(self, key: str | None = None) -> KeyRotated:
        """Values are encrypted under a new key from now on; `key`, as everywhere, is the Idempotency-Key."""
        rotated: KeyRotated = await self.command(
            "POST", "/organization/encryption-keys", body={"action": "rotate"}, key=key
        )
        return rotated
