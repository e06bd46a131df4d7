"""What a document of an organisation must be beyond its shape, given the others that are in force."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

from contracts.calendars import KIND as CALENDAR
from contracts.calendars import Calendar
from contracts.policies import (
    SEVERAL,
    ApprovalLimit,
    FinancialControls,
    Notifications,
    OrganizationPolicies,
    RoleOrder,
    SegregationOfDuties,
    StepRoles,
)
from contracts.rejections import Rejection
from contracts.values import Contract
from contracts.webhooks import is_mail_address
from services.playbook_registry.domain import calendars
from services.playbook_registry.domain.faults import Fault, rejection
from services.playbook_registry.domain.faults import invalid as invalid_in

invalid = partial(invalid_in, message="Policy validation failed")


def refusal(document: Contract, in_force: OrganizationPolicies, name: str = "") -> Rejection | None:
    """Everything that is wrong with it. None for a sound one."""
    found = list(_faults(document, in_force, name))
    return rejection(found) if found else None


def is_name(kind: str, name: str) -> bool:
    """Whether a document of the kind may be called so; those of which there is one have no name."""
    return calendars.is_name(name) if kind == CALENDAR else kind in SEVERAL or name == ""


def bad_name(kind: str, name: str) -> Rejection:
    return rejection([invalid(kind, name, calendars.NAMES, message="Request validation failed")])


def completed(document: Contract, now: datetime) -> Contract:
    """With what is worked out when it is put."""
    return calendars.with_public_holidays(document, now.date()) if isinstance(document, Calendar) else document


def _faults(document: Contract, in_force: OrganizationPolicies, name: str) -> Iterator[Fault]:
    match document:
        case Calendar():
            yield from calendars.faults(document, in_force.calendars, name)
        case ApprovalLimit():
            yield from _limits(document, in_force.role_order)
        case RoleOrder():
            yield from _order(document, in_force.approval_limit)
        case SegregationOfDuties():
            yield from _repeated("document.rules", "name", [rule.name for rule in document.rules])
            yield from _rules(document)
        case Notifications():
            yield from _repeated("document.role_contacts", "role", [entry.role for entry in document.role_contacts])
            yield from _contacts(document)
        case FinancialControls() | StepRoles():
            pass


def _limits(policy: ApprovalLimit, order: RoleOrder) -> Iterator[Fault]:
    roles = [limit.role for limit in policy.limits]
    yield from _repeated("document.limits", "role", roles)
    for index, role in enumerate(roles):
        if role not in order.roles:
            reason = f"The policy role_order has no such role; it has {', '.join(order.roles)}"
            yield invalid(f"document.limits[{index}].role", role, reason)
    yield from _not_rising(policy, order)


def _not_rising(policy: ApprovalLimit, order: RoleOrder) -> Iterator[Fault]:
    """A higher role's limit is as high as every lower one's, for an error says 'this role or higher'."""
    rank = {role: position for position, role in enumerate(order.roles)}
    known = sorted((rank[limit.role], index) for index, limit in enumerate(policy.limits) if limit.role in rank)
    for (_, below), (_, above) in pairwise(known):
        lower, higher = policy.limits[below], policy.limits[above]
        if higher.max_amount is not None and (lower.max_amount is None or lower.max_amount > higher.max_amount):
            reason = f"{higher.role} stands above {lower.role}, whose limit is higher: {_shown(lower.max_amount)}"
            yield invalid(f"document.limits[{above}].max_amount", higher.max_amount, reason)


def _shown(amount: float | None) -> str:
    return "none" if amount is None else f"{amount:.15g}"


def _order(policy: RoleOrder, limits: ApprovalLimit) -> Iterator[Fault]:
    yield from _repeated("document.roles", "", list(policy.roles))
    missing = [limit.role for limit in limits.limits if limit.role not in policy.roles]
    if missing:
        reason = f"The policy approval_limit names {', '.join(missing)}; change that first, or keep them in the order"
        yield invalid("document.roles", list(policy.roles), reason)
    elif not list(_repeated("", "", policy.roles)):
        for fault in _not_rising(limits, policy):
            reason = f"In this order the policy approval_limit does not rise: {fault.details['reason']}"
            yield invalid("document.roles", list(policy.roles), reason)


def _rules(policy: SegregationOfDuties) -> Iterator[Fault]:
    for index, rule in enumerate(policy.rules):
        if rule.type == "four_eyes" and not rule.run_starter and not rule.done:
            reason = "A four_eyes rule says whose steps these are not: set run_starter, name steps in done, or both"
            yield invalid(f"document.rules[{index}]", rule.name, reason)


def _contacts(policy: Notifications) -> Iterator[Fault]:
    for index, entry in enumerate(policy.role_contacts):
        field = f"document.role_contacts[{index}].contacts"
        yield from _repeated(field, "", entry.contacts)
        for position, contact in enumerate(entry.contacts):
            if "@" in contact and not is_mail_address(contact):
                reason = "It must be a user's id, or an e-mail address such as finance@example.com"
                yield invalid(f"{field}[{position}]", contact, reason)


def _repeated(field: str, name: str, values: Iterable[Any]) -> Iterator[Fault]:
    """Faults of the later ones of values that may stand there once."""
    listed = list(values)
    counted = Counter(listed)
    for index, value in enumerate(listed):
        if counted[value] > 1 and listed.index(value) < index:
            path = f"{field}[{index}].{name}" if name else f"{field}[{index}]"
            yield invalid(path, value, "It stands there before; once is enough")
