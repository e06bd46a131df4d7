"""A policy tried against the runs that are open, before it is put."""

import asyncio
from typing import Any

from contracts.policies import POLICIES
from contracts.rejections import Code
from services.run_engine.documents import state_of
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.trial import violations
from services.run_engine.organizations import OrganizationStore
from services.run_engine.reads import RunReads
from services.run_engine.run_list import open_runs
from services.run_engine.store import RunStore
from shared import clock
from shared.errors import Refused

AT_ONCE = 500


class Trials:
    def __init__(self, runs: RunReads, store: RunStore, organizations: OrganizationStore) -> None:
        self._runs = runs
        self._store = store
        self._organizations = organizations

    async def on_open_runs(
        self, organization_id: str, kind: str, document: dict[str, Any], cursor: str | None
    ) -> dict[str, Any]:
        """Those of a page that would break the policy. Raises Refused for an unknown kind, or a foreign cursor."""
        if kind not in POLICIES:
            raise Refused(Code.NOT_FOUND, f"Policy {kind} was not found", field="policy", value=kind)
        tried = {kind: POLICIES[kind].model_validate(document)}
        policies = (await self._organizations.of(organization_id)).model_copy(update=tried)
        page = (await self._runs.page(open_runs(organization_id, cursor, AT_ONCE))).map(state_of)
        keys = {(state.playbook.playbook_id, state.playbook.revision) for state in page.items}
        definitions, now = await self._store.definitions(keys), clock.now()
        violating = []
        for state in page.items:
            await asyncio.sleep(0)  # a look at large runs takes its time, and commands are waiting
            plan = plan_of(definitions[state.playbook.playbook_id, state.playbook.revision])
            found = violations(kind, state, Situation(plan, policies, now))
            if found:
                about = {"run_id": state.run_id, "playbook_id": state.playbook.playbook_id, "status": state.status}
                violating.append({**about, "violations": found})
        return {"checked": len(page.items), "violating": violating, "next": page.next}
