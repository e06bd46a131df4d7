"""The interesting ends of the reference's five playbooks, by the test's clock."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.commands import ReceiveEvent, RetryStep, SkipStep, UpdateData
from contracts.rejections import Code
from contracts.values import Caller
from tests.unit.run_engine.story import ADMIN, ALICE, NOON, Story, somebody
from tests.unit.run_engine.test_reference_scenarios import CONTACT, HISTORY, MANAGER, REP, VICE, reference

ARCHITECT = somebody("sa", "solution_architect")
CFO, CEO = somebody("cfo_1", "cfo"), somebody("ceo_1", "ceo")
OUTPUTS = {"technical_assessment_doc": "doc_1", "integration_complexity": "medium"}
PAPERS = [{"name": f"{name}.pdf"} for name in ("technical_assessment", "risk_assessment", "financial_impact_analysis")]
SIGNAL: dict[str, Any] = {"caller": ADMIN, "signal_id": "s"}


def qualified(deal: int, story: Story | None = None) -> Story:
    story = story or reference("customer_onboarding")
    story.started(REP, context={"triggered_by": REP.id}).completes(1, REP, data=CONTACT | {"estimated_deal_size": deal})
    return story.completes(2, MANAGER, outcome="approve", data={"qualification_status": "approved"})


def at_the_contract(deal: int, story: Story | None = None) -> Story:
    return qualified(deal, story).completes(3, ARCHITECT, data=OUTPUTS)


def test_a_deal_of_up_to_half_a_million_needs_no_executive() -> None:
    story = at_the_contract(500_000).answers(4, data={"contract_id": "c"})
    story.then("StepCompleted", "StepSkipped", "RunCompleted")
    assert story.event("StepSkipped").unmet[0].reason == "estimated_deal_size > 500000 does not hold"
    assert (story.state.outcome, story.step(5).status) == ("success", "skipped")


@pytest.mark.parametrize(
    ("deal", "executives"),
    [(500_001, [VICE]), (1_000_000, [VICE, CFO]), (5_000_000, [VICE, CFO, CEO]), (9_000_000, [CEO, VICE, CFO])],
)
def test_the_larger_the_deal_the_more_executives_approve(deal: int, executives: list[Caller]) -> None:
    story = at_the_contract(deal).answers(4)
    for executive in executives[:-1]:
        story.completes(5, executive, outcome="approve", attachments=PAPERS).then("ApprovalRecorded")
    story.completes(5, executives[-1], outcome="approve", attachments=PAPERS)
    assert story.then("ApprovalRecorded", "StepCompleted", "RunCompleted").state.outcome == "success"


def test_an_executive_without_the_papers_approves_nothing() -> None:
    story = at_the_contract(750_000).answers(4).completes(5, VICE, outcome="approve", attachments=PAPERS[:1])
    assert [found["document"] for found in story.violations()] == ["risk_assessment", "financial_impact_analysis"]


def test_an_executive_who_rejects_ends_it() -> None:
    story = at_the_contract(750_000).answers(4).completes(5, VICE, outcome="reject")
    assert story.then("ApprovalRecorded", "StepCompleted", "RunCompleted").state.outcome == "rejected"


def test_a_customer_who_is_not_qualified_is_rejected_and_the_rest_never_starts() -> None:
    story = reference("customer_onboarding").started(REP).completes(1, REP, data=CONTACT)
    story.completes(2, MANAGER, outcome="reject").then("StepCompleted", "RunCompleted")
    assert (story.state.status, story.state.outcome) == ("completed", "rejected")
    assert story.statuses() == ["completed", "completed", "pending", "pending", "pending"]


def test_a_deal_below_fifty_thousand_waits_for_somebody_to_look() -> None:
    story = reference("customer_onboarding").started(REP)
    story.completes(1, REP, data=CONTACT | {"estimated_deal_size": 20_000})
    story.then("StepCompleted", "StepBlocked", "RunBlocked")
    story.when(UpdateData(caller=ALICE, data={"estimated_deal_size": 60_000}))
    assert story.then("DataUpdated", "RunUnblocked", "StepStarted").step(2).status == "in_progress"


def test_a_manager_who_needs_more_information_sends_it_back_and_gets_it_again() -> None:
    story = reference("customer_onboarding").started(REP, context={"triggered_by": REP.id})
    story.completes(1, REP, data=CONTACT)
    story.after(hours=1).completes(2, MANAGER, outcome="request_info", data={"question": "Which region?"})
    story.then("StepCompleted", "StepsReturned", "StepStarted")
    first, second = story.step(1), story.step(2)
    assert (first.status, first.attempt, first.assigned_to) == ("in_progress", 2, REP.id)
    assert (second.status, [(a.attempt, a.outcome) for a in second.history]) == ("pending", [(1, "request_info")])
    story.completes(1, REP, data=CONTACT | {"region": "EMEA"}).then("StepCompleted", "StepStarted")
    assert (story.step(2).attempt, story.state.data["question"]) == (2, "Which region?")
    story.completes(2, MANAGER, outcome="approve", data={"qualification_status": "approved"})
    assert story.step(3).status == "in_progress"


def with_fallback() -> Story:
    story = reference("customer_onboarding")
    steps = list(story.definition.steps)
    config = {**(steps[3].automation_config or {}), "fallback_to_manual": True}
    steps[3] = steps[3].model_copy(update={"automation_config": config})
    return Story(story.definition.model_copy(update={"steps": steps}))


def out_of_tries(story: Story) -> Story:
    """The contract service is down, at the first try and at each of the three after it."""
    for number in (1, 2, 3):
        story.answers(4, "failure", error="503", retryable=True).then("AutomationAttemptFailed")
        story.fires(f"retry:step_004:1:{number}").then("AutomationRequested")
    return story.answers(4, "failure", error="503", retryable=True)


def test_a_contract_service_that_stays_down_leaves_the_contract_to_people() -> None:
    story = out_of_tries(at_the_contract(200_000, with_fallback()))
    story.then("AutomationAttemptFailed", "AutomationFellBack")
    assert (story.step(4).status, story.step(4).execution_mode) == ("in_progress", "manual")
    story.completes(4, somebody("lena", "legal"), data={"contract_id": "by hand"})
    assert story.then("StepCompleted", "StepSkipped", "RunCompleted").state.outcome == "success"


def test_without_a_fallback_the_run_fails_and_a_retry_takes_it_up_again() -> None:
    story = out_of_tries(at_the_contract(200_000)).then("AutomationAttemptFailed", "StepFailed", "RunFailed")
    story.when(RetryStep(**SIGNAL)).then("RunReopened", "StepRetried", "StepStarted", "AutomationRequested")
    story.answers(4).then("StepCompleted", "StepSkipped", "RunCompleted")


def intake() -> Story:
    patient = {"first_name": "Ann", "last_name": "Lee", "date_of_birth": "1980-02-01", "ssn": "123-45-6789"}
    return reference("patient_intake").started(REP).completes(1, REP, data=patient)


def test_a_patient_is_not_born_tomorrow() -> None:
    story = reference("patient_intake").started(REP)
    tomorrow = (NOON + timedelta(days=1)).date().isoformat()
    data = {"first_name": "A", "last_name": "Lee", "date_of_birth": tomorrow, "ssn": "123456789"}
    story.completes(1, REP, data=data)
    assert [found["field"] for found in story.violations()] == ["first_name", "date_of_birth", "ssn"]
    assert "123456789" not in str(story.violations())


def test_a_patient_whom_the_physician_sends_away_ends_the_intake_as_rejected() -> None:
    story = intake().answers(2, data={"covered": True}).completes(3, somebody("n", "nurse"), data=HISTORY)
    story.completes(4, somebody("d", "physician"), outcome="reject").then("StepCompleted", "RunCompleted")
    assert story.state.outcome == "rejected"


INSPECTOR, SUPERVISOR = somebody("i", "qc_inspector"), somebody("s", "qc_supervisor")


def test_an_inspector_cannot_pass_a_product_with_a_critical_defect() -> None:
    story = reference("quality_control").started(REP)
    story.completes(1, INSPECTOR, data={"total_defects": 1, "critical_defects": 1})
    assert [found["criterion"] for found in story.violations()] == ["critical_defect_auto_fail"]
    story.completes(1, INSPECTOR, outcome="failure", data={"critical_defects": 1}).then("StepFailed", "RunFailed")


def test_defects_that_show_later_hold_the_approval_up_until_they_are_mended() -> None:
    story = reference("quality_control").started(REP).completes(1, INSPECTOR, data={"total_defects": 2})
    story.completes(2, somebody("t", "qc_technician"), data={"total_defects": 4}).answers(3)
    story.then("StepCompleted", "StepBlocked", "RunBlocked")
    story.completes(4, SUPERVISOR).refused(Code.INVALID_STATE, "it is blocked")
    story.when(ReceiveEvent(**SIGNAL, name="repaired", data={"total_defects": 0}))
    assert story.then("DataUpdated", "RunUnblocked", "StepStarted").step(4).status == "in_progress"
    story.completes(4, SUPERVISOR, outcome="approve").then("StepCompleted", "RunCompleted")


def loan(amount: int) -> Story:
    story = reference("loan_approval").started(REP, initial_data={"loan_amount": amount})
    papers = ("financial_statements_3years", "tax_returns_3years", "business_plan", "collateral_documentation")
    story.completes(1, REP, attachments=[{"name": f"{paper}.pdf"} for paper in papers]).answers(2)
    return story.completes(3, somebody("u", "underwriter"), data={"review_checklist": list(CHECKLIST)})


CHECKLIST = (
    "debt_service_coverage", "loan_to_value", "cash_flow_analysis", "industry_risk", "management_assessment",
)  # fmt: skip


def votes(story: Story, *said: str) -> Story:
    for member, outcome in zip("abcde", said, strict=False):
        story.completes(4, somebody(f"member_{member}", "loan_committee"), outcome=outcome)
    return story


def test_three_of_five_votes_decide_nothing_yet() -> None:
    story = votes(loan(2_000_000), "approve", "approve", "approve").then("ApprovalRecorded")
    assert (story.state.status, story.step(4).status, len(story.step(4).approvals)) == ("active", "in_progress", 3)
    votes(story, "approve").then("ApprovalRecorded")
    assert len(story.step(4).approvals) == 3, "the same member again"


def test_the_fourth_of_five_votes_grants_the_loan_also_against_one() -> None:
    story = votes(loan(2_000_000), "approve", "reject", "approve", "approve", "approve")
    assert story.then("ApprovalRecorded", "StepCompleted", "RunCompleted").state.outcome == "success"


def test_two_against_put_two_thirds_out_of_reach_and_end_it_at_once() -> None:
    story = votes(loan(2_000_000), "approve", "reject", "reject")
    story.then("ApprovalRecorded", "StepCompleted", "RunCompleted")
    assert (story.state.outcome, len(story.step(4).approvals)) == ("rejected", 3)
    votes(story, "approve").refused(Code.INVALID_STATE)


def test_a_loan_of_up_to_a_million_waits_for_somebody_who_may_pass_the_committee_over() -> None:
    story = loan(1_000_000).then("StepCompleted", "StepBlocked", "RunBlocked")
    skip = SkipStep(caller=REP, signal_id="s", step_id="step_004", reason="Below the committee's amount")
    story.when(skip).refused(Code.FORBIDDEN)
    story.when(skip.model_copy(update={"caller": ADMIN})).then("StepSkipped", "RunUnblocked", "RunCompleted")


def test_an_underwriter_who_sends_the_review_leaves_no_item_open() -> None:
    story = reference("loan_approval").started(REP, initial_data={"loan_amount": 1})
    papers = ("financial_statements_3years", "tax_returns_3years", "business_plan", "collateral_documentation")
    story.completes(1, REP, attachments=[{"name": paper} for paper in papers]).answers(2)
    story.completes(3, somebody("u", "underwriter"), data={"review_checklist": ["loan_to_value"]})
    assert len(story.violations()) == 4


ENGINEER = somebody("e", "on_call_engineer")


def incident(severity: str) -> Story:
    return reference("incident_response").started(REP, initial_data={"severity": severity}).answers(1)


@pytest.mark.parametrize(("severity", "minutes"), [("P1", 15), ("P2", 30)])
def test_an_incident_that_nobody_takes_in_its_response_time_is_escalated(severity: str, minutes: int) -> None:
    story = incident(severity)
    late = min(story.state.timers, key=lambda timer: timer.due_at)
    assert late.due_at == NOON + timedelta(minutes=minutes)
    story.fires(late.timer_id).then("StepOverdue", "StepEscalated")
    assert "subject_matter_expert" in story.step(2).assignee_roles and story.step(2).overdue
    expert = somebody("x", "subject_matter_expert")
    story.completes(2, expert).then("StepCompleted", "StepStarted")
    assert story.event("StepCompleted").sla_breached


REVIEW = {"rca_document": "RCA-1", "action_items": ["a"], "process_improvements": ["p"]}


def test_a_p1_is_reviewed_and_its_review_delivers_what_it_names() -> None:
    story = incident("P1").completes(2, ENGINEER).completes(3, ENGINEER, data={"resolution_type": "rollback"})
    story.then("StepCompleted", "StepStarted")
    lead = somebody("l", "sre_lead")
    story.completes(4, lead, data={"rca_document": "RCA-1"})
    assert [found["document"] for found in story.violations()] == ["action_items", "process_improvements"]
    story.completes(4, lead, data=REVIEW).then("StepCompleted", "RunCompleted")


def test_a_p2_needs_no_review() -> None:
    story = incident("P2").completes(2, ENGINEER).completes(3, ENGINEER)
    assert story.then("StepCompleted", "StepSkipped", "RunCompleted").statuses()[-1] == "skipped"
