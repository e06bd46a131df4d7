"""Who does what at each step of the five playbooks, when all goes well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.house import Person

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """The people of a step, one after the other until it is done, and what each of them sends."""

    people: tuple[Person, ...]
    data: Data = field(default_factory=dict)
    outcome: str = "success"
    documents: tuple[str, ...] = ()
    assign: Mapping[str, list[str]] = field(default_factory=dict)
    confirms: tuple[str, ...] = ()
    """Fields of the run's data that they look at and send again."""

    @property
    def attachments(self) -> list[dict[str, str]]:
        return [{"name": f"{name}.pdf", "type": "application/pdf"} for name in self.documents]


SALES_REP = Person("sales_rep_001", ("sales_rep",))
SALES_MANAGER = Person("sales_manager_002", ("sales_manager",))
ARCHITECT = Person("solution_architect_004", ("solution_architect",))
VP_SALES = Person("vp_sales_001", ("vp_sales",))
CFO = Person("cfo_001", ("cfo",))
COMMITTEE = tuple(Person(f"committee_member_{n}", ("loan_committee",)) for n in range(1, 6))

ONBOARDING = {
    "Initial Contact": Part(
        (SALES_REP,),
        assign={"step_002": [SALES_MANAGER.sub]},
        confirms=("company_name", "contact_email", "estimated_deal_size", "customer_type"),
    ),
    "Qualification Review": Part((SALES_MANAGER,), {"qualification_status": "approved"}, "approve"),
    "Technical Assessment": Part(
        (ARCHITECT,), {"integration_complexity": "medium"}, documents=("technical_assessment_doc",)
    ),
    "Final Approval": Part(
        (VP_SALES, CFO),
        outcome="approve",
        documents=("technical_assessment", "risk_assessment", "financial_impact_analysis"),
    ),
}
INTAKE = {
    "Registration": Part(
        (Person("front_desk_001"),),
        {"first_name": "Ada", "last_name": "Berg", "date_of_birth": "1985-04-12", "ssn": "000-12-3456"},
    ),
    "Medical History": Part(
        (Person("nurse_007", ("nurse",)),),
        {
            "current_medications": [],
            "allergies": ["penicillin"],
            "past_surgeries": [],
            "family_history": ["diabetes"],
            "social_history": [],
        },
    ),
    "Clinical Review": Part((Person("dr_lind", ("physician",)),), outcome="approve"),
}
INSPECTION = {
    "Visual Inspection": Part((Person("inspector_3", ("qc_inspector",)),), {"defects": 1, "critical_defect": False}),
    "Dimensional Verification": Part((Person("technician_5", ("qc_technician",)),), {"within_tolerance": True}),
    "QC Approval": Part((Person("supervisor_1", ("qc_supervisor",)),), outcome="approve"),
}
LOAN = {
    "Application Submission": Part(
        (Person("applicant_desk_2"),),
        documents=(
            "financial_statements_3years",
            "tax_returns_3years",
            "business_plan",
            "collateral_documentation",
        ),
    ),
    "Underwriting Review": Part((Person("underwriter_9", ("underwriter",)),), {"debt_service_coverage": 1.4}),
    "Committee Approval": Part(COMMITTEE, outcome="approve"),
}
INCIDENT = {
    "Initial Response": Part((Person("oncall_eve", ("on_call_engineer",)),), {"impact": "checkout is down"}),
    "Resolution Implementation": Part(
        (Person("expert_kim", ("subject_matter_expert",)),), {"resolution_type": "rollback"}
    ),
    "Post-Incident Review": Part(
        (Person("manager_ravi", ("engineering_manager",)),),
        {"rca_document": "RCA-77", "action_items": ["Alarm on queue length"]},
        documents=("process_improvements",),
    ),
}
