"""All checks of a draft, in the order in which the API reports them."""

from contracts.definitions import PlaybookDraft
from contracts.policies import OrganizationPolicies
from contracts.rejections import Rejection
from services.playbook_registry.domain import bounds, cycles, deadlines, encryption_marks, policy, smart_codes, steps
from services.playbook_registry.domain.faults import Fault, rejection

TOLD = 100
"""Of the things that are wrong."""


def refusal(draft: PlaybookDraft, policies: OrganizationPolicies) -> Rejection | None:
    """Everything that is wrong, up to a hundred things; None for a valid draft."""
    found = faults(draft, policies)
    return rejection(found[:TOLD]) if found else None


def faults(draft: PlaybookDraft, policies: OrganizationPolicies) -> list[Fault]:
    """A limit that is passed is told alone; else smart codes, then steps, then cycles, then policy."""
    found = list(bounds.faults(draft))
    if not found:
        found = [*smart_codes.faults(draft), *steps.faults(draft)]
        found += encryption_marks.faults(draft)
        found += deadlines.unknown_calendars(draft, policies.calendars)
        found += [*cycles.faults(draft), *policy.faults(draft, policies)]
    return found
