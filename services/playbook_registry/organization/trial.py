"""A policy tried against the playbooks that are there, before it is put."""

from typing import Any

from contracts.definitions import PlaybookDefinition
from contracts.policies import OrganizationPolicies
from services.playbook_registry.domain.playbook import StoredPlaybook
from services.playbook_registry.domain.policy import violations
from services.playbook_registry.lists import Filters, PlaybookLists

AT_ONCE = 500
_ACTIVE = Filters(status="active")


async def try_on_playbooks(
    lists: PlaybookLists, organization_id: str, policies: OrganizationPolicies, cursor: str | None
) -> dict[str, Any]:
    """Those of a page that could not be created under these policies; runs of theirs would not start."""
    page = await lists.page(organization_id, _ACTIVE, cursor, AT_ONCE)
    found = [_violating(playbook, policies) for playbook in page.items]
    return {"checked": len(page.items), "violating": [entry for entry in found if entry], "next": page.next}


def _violating(playbook: StoredPlaybook, policies: OrganizationPolicies) -> dict[str, Any] | None:
    definition = PlaybookDefinition.model_validate(playbook.definition)
    found = [
        {"step_id": step.step_id, "step_name": step.name, **details}
        for step, details in violations(definition.steps, policies)
    ]
    if not found:
        return None
    about = {"playbook_id": playbook.playbook_id, "name": definition.name, "revision": playbook.revision}
    return {**about, "violations": found}
