"""The organisation's approval limit: up to which amount whose approval counts."""

from typing import Any

from contracts.policies import ApprovalLimit, OrganizationPolicies
from contracts.rejections import Rejection
from services.run_engine.domain.loose import is_number
from services.run_engine.domain.violations import Violation, contract_rejection, violation


def beyond_limit(
    policies: OrganizationPolicies, step_id: str, amount: Any, roles: tuple[str, ...], *, secret: bool = False
) -> Rejection | None:
    """The rejection of an approval of this amount where none of the roles may approve it; if `secret`, without it."""
    found = limit_violation(policies, amount, roles)
    if found is None:
        return None
    told = {**found, "actual_value": None} if secret else found
    return contract_rejection(step_id, [told], _resolution(policies, amount))


def limit_violation(policies: OrganizationPolicies, amount: Any, roles: tuple[str, ...]) -> Violation | None:
    """Judged by the highest of the roles. What is no number lies beyond every limit."""
    policy, current = policies.approval_limit, _highest(policies, roles)
    limit = _limit(policy, current)
    if is_number(amount) and (limit is None or amount <= limit):
        return None
    return violation(
        "approval_limit",
        f"{policy.field} <= {_plain(limit or 0)}",
        amount,
        required_role=_required(policies, amount),
        current_role=current,
    )


def _highest(policies: OrganizationPolicies, roles: tuple[str, ...]) -> str | None:
    return next((role for role in reversed(policies.role_order.roles) if role in roles), None)


def _limit(policy: ApprovalLimit, role: str | None) -> float | None:
    """The role's bound; None is no bound. Without a role that the policy knows it is 0: it fails closed."""
    found = next((limit for limit in policy.limits if limit.role == role), None)
    return found.max_amount if found is not None else 0


def _required(policies: OrganizationPolicies, amount: Any) -> str | None:
    """The lowest role that may approve the amount."""
    if not is_number(amount):
        return None
    bounds = ((role, _limit(policies.approval_limit, role)) for role in policies.role_order.roles)
    return next((role for role, bound in bounds if bound is None or amount <= bound), None)


def _resolution(policies: OrganizationPolicies, amount: Any) -> str:
    policy, required = policies.approval_limit, _required(policies, amount)
    if not is_number(amount):
        return f"'{policy.field}' must be a number"
    passed = max((b for limit in policy.limits if (b := limit.max_amount) is not None and b < amount), default=0)
    if required is None:
        return f"No role may approve amounts over {dollars(passed)}"
    return f"User with role '{required}' or higher must approve amounts over {dollars(passed)}"


def dollars(amount: float) -> str:
    """$1M, $2.5M, $750K, $500."""
    for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if amount >= size:
            return f"${amount / size:.6g}{letter}"
    return f"${amount:.6g}"


def _plain(amount: float) -> str:
    return str(int(amount)) if amount == int(amount) else str(amount)
