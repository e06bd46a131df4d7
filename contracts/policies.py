"""An organisation's policies: JSON documents that bound what its playbooks and its people may do."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from contracts.calendars import KIND as CALENDAR
from contracts.calendars import Calendar, NamedCalendar
from contracts.definitions import StepType
from contracts.values import Contract, Moment

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MAX_ROLES = 100
MAX_RULES = 100
MAX_SELECTORS = 100
MAX_CONTACTS = 50


class StepSelector(Contract):
    """Fits a step where all that is given fits it; `{}` fits every step."""

    playbook: Word | None = None
    """The first whole segments of the playbook's smart code, such as `HERA.FIN`."""
    smart_code: Word | None = None
    """The same of the step's own."""
    name: Word | None = None
    step_type: StepType | None = None


Selectors = Annotated[tuple[StepSelector, ...], Field(max_length=MAX_SELECTORS)]
SomeSelectors = Annotated[tuple[StepSelector, ...], Field(min_length=1, max_length=MAX_SELECTORS)]


class FinancialControls(Contract):
    """The bound on what may be approved without a person, checked on each step's `automation_config`."""

    policy_id: Word = "pol_fin_controls_v2"
    auto_approve_limit: Amount = 100_000


class RoleLimit(Contract):
    role: Word
    max_amount: Amount | None
    """Null: no bound."""


class ApprovalLimit(Contract):
    """Up to which amount whose approval counts. A role that is not named may approve none."""

    field: Word = "approval_amount"
    """Of the completion's data; where that has none, of the run's."""
    limits: Annotated[tuple[RoleLimit, ...], Field(max_length=MAX_ROLES)] = (
        RoleLimit(role="sales_rep", max_amount=0),
        RoleLimit(role="sales_manager", max_amount=1_000_000),
        RoleLimit(role="sales_director", max_amount=1_000_000),
        RoleLimit(role="vp_sales", max_amount=1_000_000),
        RoleLimit(role="cfo", max_amount=None),
        RoleLimit(role="ceo", max_amount=None),
    )


class RoleOrder(Contract):
    """Which role stands above which."""

    roles: Annotated[tuple[Word, ...], Field(max_length=MAX_ROLES)] = (
        "sales_rep", "sales_manager", "sales_director", "vp_sales", "cfo", "ceo",
    )  # fmt: skip
    """From the lowest up."""
    higher_may_act: Selectors = ()
    """The steps at which a higher role may act where a lower one is asked for; nowhere by default."""


class StepRoles(Contract):
    """Where being named for a step is not enough to work on it."""

    required_at: Selectors = ()
    """The steps that only holders of their roles work on, also those who are named for them; none by default."""


class SeparateSteps(Contract):
    """One user completes, or votes on, at most one of these steps of a run."""

    type: Literal["separate_steps"]
    name: Word
    steps: SomeSelectors


class FourEyes(Contract):
    """These steps are not for whoever started the run, or had a hand in one of the `done` ones."""

    type: Literal["four_eyes"]
    name: Word
    steps: SomeSelectors
    run_starter: bool = False
    done: Selectors = ()


SegregationRule = Annotated[SeparateSteps | FourEyes, Field(discriminator="type")]


class SegregationOfDuties(Contract):
    """What one user may not both do in a run."""

    rules: Annotated[tuple[SegregationRule, ...], Field(max_length=MAX_RULES)] = ()


class Delegation(Contract):
    """For a time one user may act as another."""

    delegator: Word
    substitute: Word
    roles: tuple[Word, ...] | None = None
    """Only for steps that ask for one of these. Null: for all that the delegator may work on."""
    delegator_roles: tuple[str, ...] = ()
    """Those that the delegator held when delegating."""
    starts_at: Moment
    ends_at: Moment
    reason: str | None = None

    @property
    def lent_roles(self) -> tuple[str, ...]:
        return self.delegator_roles if self.roles is None else self.roles

    def is_in_force(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def lends_enough(self, roles: Iterable[str]) -> bool:
        """For a step that asks for these roles; one for named roles only lends nothing else, also where a step is the
        delegator's by name."""
        return self.roles is None or not set(self.roles).isdisjoint(roles)


class RoleContacts(Contract):
    role: Word
    contacts: Annotated[tuple[Word, ...], Field(min_length=1, max_length=MAX_CONTACTS)]
    """Ids of users, or e-mail addresses; that of a mailing list, for more."""


class Notifications(Contract):
    """Who is told of a step that is open to a role, for roles come with tokens and name nobody."""

    role_contacts: Annotated[tuple[RoleContacts, ...], Field(max_length=MAX_ROLES)] = ()


class OrganizationPolicies(Contract):
    """What is in force for one organisation, by the kind of document; these defaults until it sets its own."""

    VERSION: ClassVar[int] = 1
    financial_controls: FinancialControls = FinancialControls()
    approval_limit: ApprovalLimit = ApprovalLimit()
    calendars: dict[str, NamedCalendar] = Field(default_factory=dict)
    """By name."""
    delegations: dict[str, Delegation] = Field(default_factory=dict)
    """By id."""
    role_order: RoleOrder = RoleOrder()
    step_roles: StepRoles = StepRoles()
    segregation_of_duties: SegregationOfDuties = SegregationOfDuties()
    notifications: Notifications = Notifications()


DEFAULT_POLICIES = OrganizationPolicies()
POLICIES: dict[str, type[Contract]] = {
    "approval_limit": ApprovalLimit,
    "financial_controls": FinancialControls,
    "notifications": Notifications,
    "role_order": RoleOrder,
    "segregation_of_duties": SegregationOfDuties,
    "step_roles": StepRoles,
}
"""By kind, in order of name: those that are read and changed as policies."""
DELEGATION = "delegation"
NOTIFICATIONS = "notifications"
DOCUMENTS: dict[str, type[Contract]] = {**POLICIES, CALENDAR: Calendar, DELEGATION: Delegation}
"""By kind, all documents of organisations."""
SEVERAL: dict[str, str] = {CALENDAR: "calendars", DELEGATION: "delegations"}
"""Kinds of which an organisation has several, each with the field of OrganizationPolicies that holds them by name."""
