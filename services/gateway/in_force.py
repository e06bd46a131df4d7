"""Whether what an organisation has set decides about commands already: only the run engine can say."""

from services.gateway.owners import Owner
from shared.errors import Refused, Unavailable


class InForce:
    def __init__(self, run_engine: Owner) -> None:
        self._run_engine = run_engine

    async def wait(self, organization_id: str, kind: str, name: str, revision: int) -> bool:
        """True once this revision, or a later one, is in force; False where the engine does not say so in time."""
        params = [("organization_id", organization_id), ("name", name), ("min_revision", str(revision))]
        try:
            answer = await self._run_engine.get(f"/internal/organization-documents/{kind}/in-force", params)
            return bool(answer.data()["in_force"])
        except (Refused, Unavailable):
            return False
