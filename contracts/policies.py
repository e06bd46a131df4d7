"""An organisation's policies: JSON documents that bound what its playbooks and its people may do."""

from typing import ClassVar

from pydantic import Field

from contracts.calendars import BusinessCalendar
from contracts.values import Contract


class FinancialControls(Contract):
    """The bound on what may be approved without a person, checked on each step's `automation_config`."""

    policy_id: str = "pol_fin_controls_v2"
    auto_approve_limit: float = Field(default=100_000, ge=0)


class RoleLimit(Contract):
    role: str
    max_amount: float | None
    """Null: no bound."""


class ApprovalLimit(Contract):
    """Up to which amount whose approval counts, checked when an approval is completed with `field` in its data."""

    field: str = "approval_amount"
    role_order: tuple[str, ...] = ("sales_rep", "sales_manager", "sales_director", "vp_sales", "cfo", "ceo")
    limits: tuple[RoleLimit, ...] = (
        RoleLimit(role="sales_rep", max_amount=0),
        RoleLimit(role="sales_manager", max_amount=1_000_000),
        RoleLimit(role="sales_director", max_amount=1_000_000),
        RoleLimit(role="vp_sales", max_amount=1_000_000),
        RoleLimit(role="cfo", max_amount=None),
        RoleLimit(role="ceo", max_amount=None),
    )


class OrganizationPolicies(Contract):
    """What is in force for one organisation; these defaults until it sets its own."""

    VERSION: ClassVar[int] = 1
    revision: int = 0
    financial_controls: FinancialControls = FinancialControls()
    approval_limit: ApprovalLimit = ApprovalLimit()
    calendars: dict[str, BusinessCalendar] = Field(default_factory=dict)
    """By name."""


DEFAULT_POLICIES = OrganizationPolicies()
