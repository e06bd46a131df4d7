"""The interesting ends of the reference's five playbooks, over REST through all services, with short timers."""

import asyncio
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.local.waiting import until
from tests.e2e.office import Office, User

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "reference"
CONTACT = {"company_name": "Acme", "contact_email": "j@acme.com", "customer_type": "enterprise"}
OUTPUTS = {"technical_assessment_doc": "doc_1", "integration_complexity": "medium"}
SECONDS = 20.0


def reference(name: str) -> dict[str, Any]:
    draft: dict[str, Any] = json.loads((_FIXTURES / f"{name}.json").read_text())
    head, _, version = draft["smart_code"].rpartition(".")
    return {**draft, "smart_code": f"{head}.N{uuid.uuid4().hex[:10].upper()}.{version}"}


class Case:
    """One run of a playbook of the reference, and the people who work on it."""

    def __init__(self, office: Office, run_id: str) -> None:
        self.office = office
        self.run_id = run_id
        self.reader = office.user("reader")

    @classmethod
    async def of(cls, office: Office, draft: dict[str, Any], **initial_data: Any) -> "Case":
        author = office.user("author")
        playbook_id = (await author.data("POST", "/playbooks", {"playbook": draft}))["playbook_id"]
        return cls(office, await office.run(playbook_id, initial_data=initial_data))

    def user(self, name: str, *roles: str) -> User:
        return self.office.user(name, *roles)

    def path(self, number: int) -> str:
        return f"/playbook-runs/{self.run_id}/steps/step_{number:03}/complete"

    async def completes(self, number: int, *roles: str, by: str = "", **completion: Any) -> str:
        """The run's status afterwards."""
        user = self.user(by or (roles[0] if roles else "starter"), *roles)
        answer = await user.data("POST", self.path(number), {"completion": completion})
        return str(answer["run_status"]["overall_status"])

    async def machine_answers(self, number: int, **completion: Any) -> str:
        """As `completes`, of an automated step."""
        worker = self.office.user("worker", permissions=("step:work",))
        answer = await worker.data("POST", self.path(number), {"completion": completion})
        return str(answer["run_status"]["overall_status"])

    async def refused(self, number: int, *roles: str, **completion: Any) -> list[str]:
        """The rules that the completion would break."""
        user = self.user(roles[0] if roles else "starter", *roles)
        details = (await user.error("POST", self.path(number), {"completion": completion}))["details"]
        return [found["rule"] for found in details.get("errors", [details["contract_violation"]])]

    async def signals(self, **signal: Any) -> Any:
        return await self.user("boss").data("POST", f"/playbook-runs/{self.run_id}/signal", {"signal": signal})

    async def run(self) -> Any:
        return await self.reader.data("GET", f"/playbook-runs/{self.run_id}")

    async def statuses(self) -> list[str]:
        return [step["status"] for step in (await self.run())["steps_status"]]

    async def events(self) -> list[str]:
        path = f"/playbook-runs/{self.run_id}/timeline?include_system_events=true"
        return [entry["event_type"] for entry in (await self.reader.data("GET", path))["timeline"]]

    async def until(self, holds: Callable[[Any], bool]) -> Any:
        async def holds_now() -> bool:
            return holds(await self.run())

        await asyncio.wait_for(until(holds_now), SECONDS)
        return await self.run()


async def at_the_contract(office: Office, deal: int, **config: Any) -> Case:
    draft = reference("customer_onboarding")
    draft["steps"][3]["automation_config"] |= config
    case = await Case.of(office, draft)
    await case.completes(1, data=CONTACT | {"estimated_deal_size": deal})
    await case.completes(2, "sales_manager", outcome="approve", data={"qualification_status": "approved"})
    await case.completes(3, "solution_architect", data=OUTPUTS)
    return case


async def test_onboarding_below_and_above_half_a_million(office: Office) -> None:
    below = await at_the_contract(office, 200_000)
    assert await below.machine_answers(4, data={"contract_id": "c_1"}) == "completed"
    assert await below.statuses() == ["completed"] * 4 + ["skipped"]
    above = await at_the_contract(office, 2_000_000)
    assert await above.machine_answers(4, data={"contract_id": "c_2"}) == "active"
    assert await above.refused(5, "vp_sales", outcome="approve") == ["required_documents"] * 3
    names = ("technical_assessment", "risk_assessment", "financial_impact_analysis")
    papers = [{"name": f"{name}.pdf"} for name in names]
    assert await above.completes(5, "vp_sales", outcome="approve", attachments=papers) == "active"
    assert await above.completes(5, "cfo", outcome="approve") == "completed"
    assert (await above.run())["outcome"] == "success"


async def test_onboarding_rejected_or_sent_back_for_information(office: Office) -> None:
    rejected = await Case.of(office, reference("customer_onboarding"))
    await rejected.completes(1, data=CONTACT | {"estimated_deal_size": 90_000})
    assert await rejected.completes(2, "sales_manager", outcome="reject") == "completed"
    assert (await rejected.run())["outcome"] == "rejected"
    back = await Case.of(office, reference("customer_onboarding"))
    await back.completes(1, data=CONTACT | {"estimated_deal_size": 90_000})
    await back.completes(2, "sales_manager", outcome="request_info")
    assert (await back.statuses())[:2] == ["in_progress", "pending"]
    step = await back.reader.data("GET", f"/playbook-runs/{back.run_id}/steps/step_001")
    assert [attempt["status"] for attempt in step["attempts"]] == ["completed", "in_progress"]
    await back.completes(1, data=CONTACT | {"estimated_deal_size": 95_000})
    await back.completes(2, "sales_manager", outcome="approve", data={"qualification_status": "approved"})
    assert (await back.statuses())[:3] == ["completed", "completed", "in_progress"]


async def test_a_contract_call_that_fails_becomes_work_for_people(office: Office) -> None:
    case = await at_the_contract(office, 200_000, fallback_to_manual=True)
    await case.machine_answers(4, outcome="failure", data={"reason": "The contract service answers 500"})
    step = (await case.run())["steps_status"][3]
    assert (step["status"], step["execution_mode"]) == ("in_progress", "manual")
    assert await case.completes(4, data={"contract_id": "by hand"}) == "completed"
    assert "automation_fell_back" in await case.events()


async def test_intake_wants_every_section_answered(office: Office) -> None:
    case = await Case.of(office, reference("patient_intake"))
    patient = {"first_name": "Ann", "last_name": "Lee", "date_of_birth": "1980-02-01", "ssn": "123-45-6789"}
    assert await case.refused(1, data=patient | {"date_of_birth": "2999-01-01"}) == ["form_field"]
    await case.completes(1, data=patient)
    await case.machine_answers(2, outcome="failure", data={"reason": "The insurer does not answer"})
    await case.completes(2, data={"covered": True})
    history: dict[str, Any] = {"current_medications": [], "allergies": ["penicillin"], "past_surgeries": []}
    assert await case.refused(3, "nurse", data=history) == ["sections", "sections"]
    await case.completes(3, "nurse", data=history | {"family_history": [], "social_history": "none"})
    assert await case.completes(4, "physician", outcome="approve") == "completed"


async def test_a_product_with_too_many_defects_does_not_pass(office: Office) -> None:
    case = await Case.of(office, reference("quality_control"))
    assert await case.refused(1, "qc_inspector", data={"total_defects": 3}) == ["rejection_criteria"]
    await case.completes(1, "qc_inspector", data={"total_defects": 2})
    await case.completes(2, "qc_technician", data={"total_defects": 5})
    assert await case.machine_answers(3) == "blocked"
    assert (await case.signals(type="event", name="repaired", data={"total_defects": 0}))["new_status"] == "active"
    assert await case.completes(4, "qc_supervisor", outcome="approve") == "completed"
    scrapped = await Case.of(office, reference("quality_control"))
    assert await scrapped.completes(1, "qc_inspector", outcome="failure", data={"critical_defects": 1}) == "failed"


async def at_the_committee(office: Office) -> Case:
    case = await Case.of(office, reference("loan_approval"), loan_amount=2_000_000)
    names = ("financial_statements_3years", "tax_returns_3years", "business_plan", "collateral_documentation")
    await case.completes(1, attachments=[{"name": f"{name}.pdf"} for name in names])
    await case.machine_answers(2, data={"score": 7})
    await case.completes(3, "underwriter")
    return case


async def test_a_loan_committee_at_three_and_four_of_five_and_out_of_reach(office: Office) -> None:
    granted = await at_the_committee(office)
    for member in "abc":
        assert await granted.completes(4, "loan_committee", by=member, outcome="approve") == "active"
    assert await granted.completes(4, "loan_committee", by="d", outcome="approve") == "completed"
    assert (await granted.run())["outcome"] == "success"
    denied = await at_the_committee(office)
    assert await denied.completes(4, "loan_committee", by="a", outcome="approve") == "active"
    assert await denied.completes(4, "loan_committee", by="b", outcome="reject") == "active"
    assert await denied.completes(4, "loan_committee", by="c", outcome="reject") == "completed"
    assert (await denied.run())["outcome"] == "rejected"


async def test_an_incident_is_escalated_when_its_response_time_is_over_and_a_p1_is_reviewed(office: Office) -> None:
    draft = reference("incident_response")
    draft["steps"][1]["metadata"]["response_sla"] = {"P1": 0.02, "P2": 60}
    urgent = await Case.of(office, draft, severity="P1")
    await urgent.machine_answers(1)
    run = await urgent.until(lambda run: bool(run["steps_status"][1].get("sla_breached")))
    assert "subject_matter_expert" in run["steps_status"][1]["assignee_roles"]
    await urgent.completes(2, "subject_matter_expert")
    assert await urgent.completes(3, "on_call_engineer", data={"resolution_type": "rollback"}) == "active"
    assert await urgent.refused(4, "sre_lead") == ["deliverables"] * 3
    review = {"rca_document": "RCA", "action_items": ["a"], "process_improvements": ["p"]}
    assert await urgent.completes(4, "sre_lead", data=review) == "completed"
    assert {"step_overdue", "step_escalated"} <= set(await urgent.events())
    other = await Case.of(office, {**draft, "smart_code": reference("incident_response")["smart_code"]}, severity="P2")
    await other.machine_answers(1)
    await other.completes(2, "on_call_engineer")
    assert await other.completes(3, "on_call_engineer") == "completed"
    assert await other.statuses() == ["completed", "completed", "completed", "skipped"]
