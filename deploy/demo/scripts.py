"""What the crowd's runs are about, and how many of each playbook end in which way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deploy.demo import parts
from deploy.demo.house import Person
from deploy.demo.machines import DEFECTIVE
from deploy.demo.parts import Data, Part

Ending = Literal["completed", "resumed", "rejected", "failed", "cancelled", "paused", "waiting"]
ENDED_AS: dict[Ending, tuple[str, str | None]] = {
    "completed": ("completed", "success"),
    "resumed": ("completed", "success"),
    "rejected": ("completed", "rejected"),
    "failed": ("failed", "failed"),
    "cancelled": ("cancelled", "cancelled"),
    "paused": ("paused", None),
    "waiting": ("active", None),
}
"""The run's status and outcome after each ending."""


@dataclass(frozen=True, slots=True)
class Script:
    """One playbook's runs. `playbook` is the name of its file."""

    playbook: str
    starter: Person
    entity_type: str
    entities: tuple[str, ...]
    parts: Mapping[str, Part]
    endings: Mapping[Ending, int]
    data: Callable[[int], Data] = field(default=lambda _: {})
    rejected_at: str | None = None
    """The approval that says no in runs that end rejected."""
    failed_at: str | None = None
    """The human step that fails in runs that end failed; where there is none, `failing_data` makes a machine fail."""
    failing_data: Data = field(default_factory=dict)


def _deal(number: int) -> dict[str, Any]:
    """Mostly deals that need no executive; each fourth one needs two."""
    return {
        "company_name": f"Customer {number}",
        "contact_email": f"contact{number}@example.com",
        "estimated_deal_size": 1_500_000 if number % 4 == 3 else 60_000 + 40_000 * number,
        "customer_type": "mid-market" if number % 2 else "enterprise",
    }


SCRIPTS = (
    Script(
        "customer_onboarding",
        parts.SALES_REP,
        "customer",
        ("Initech", "Globex", "Umbra Foods", "Hooli", "Vandelay Imports"),
        parts.ONBOARDING,
        {"completed": 4, "resumed": 1, "rejected": 2, "cancelled": 2, "paused": 1, "waiting": 2},
        data=_deal,
        rejected_at="Qualification Review",
    ),
    Script(
        "patient_intake",
        Person("front_desk_001"),
        "patient",
        ("Ada Berg", "Jon Frey", "Mia Sand"),
        parts.INTAKE,
        {"completed": 4, "resumed": 1, "rejected": 1, "cancelled": 1, "paused": 1},
        rejected_at="Clinical Review",
    ),
    Script(
        "quality_inspection",
        Person("line_lead_2"),
        "unit",
        ("AX-100", "AX-101", "BR-7"),
        parts.INSPECTION,
        {"completed": 4, "rejected": 1, "failed": 2, "cancelled": 1, "paused": 1},
        rejected_at="QC Approval",
        failing_data={"unit_condition": DEFECTIVE},
    ),
    Script(
        "loan_approval",
        Person("applicant_desk_2"),
        "company",
        ("Northwind", "Contoso", "Fabrikam"),
        parts.LOAN,
        {"completed": 4, "resumed": 1, "rejected": 2, "cancelled": 1, "paused": 1, "waiting": 1},
        data=lambda number: {"loan_amount": 1_200_000 + 300_000 * number},
        rejected_at="Committee Approval",
    ),
    Script(
        "incident_response",
        Person("monitoring_1"),
        "system",
        ("checkout", "search", "billing"),
        parts.INCIDENT,
        {"completed": 5, "resumed": 1, "failed": 1, "cancelled": 1, "paused": 1},
        data=lambda number: {"severity": "P1" if number % 2 else "P2"},
        failed_at="Resolution Implementation",
    ),
)
