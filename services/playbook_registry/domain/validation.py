"""All checks of a draft, in the order in which the API reports them."""

from contracts.definitions import PlaybookDraft
from contracts.policies import OrganizationPolicies
from contracts.rejections import Rejection
from services.playbook_registry.domain import cycles, deadlines, policy, smart_codes, steps
from services.playbook_registry.domain.faults import rejection


def refusal(draft: PlaybookDraft, policies: OrganizationPolicies) -> Rejection | None:
    """Everything that is wrong: smart codes, then steps, then cycles, then policy. None for a valid draft."""
    found = [*smart_codes.faults(draft), *steps.faults(draft), *deadlines.unknown_calendars(draft, policies.calendars)]
    if len(draft.steps) <= steps.MAX_STEPS:
        found += [*cycles.faults(draft), *policy.faults(draft, policies)]
    return rejection(found) if found else None
