"""The five playbooks of the API reference, from start to end."""

import json
from datetime import timedelta
from pathlib import Path

from contracts.commands import PauseRun
from contracts.definitions import PlaybookDraft
from contracts.rejections import Code
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views import completion_view, run_created_view, signal_view
from tests.unit.run_engine.story import NOON, Story, defined, somebody

_FIXTURES = Path(__file__).parents[2] / "fixtures" / "reference"
REP = somebody("sales_rep_001", "sales_rep")
MANAGER = somebody("sales_manager_002", "sales_manager")
VICE = somebody("vp_1", "vp_sales")
HISTORY: dict[str, list[str]] = {
    "current_medications": [], "allergies": ["penicillin"], "past_surgeries": [], "family_history": [],
    "social_history": [],
}  # fmt: skip
CONTACT = {
    "company_name": "Acme Corporation",
    "contact_email": "john.doe@acme.com",
    "estimated_deal_size": 750000,
    "customer_type": "enterprise",
}


def reference(name: str) -> Story:
    draft = PlaybookDraft.model_validate(json.loads((_FIXTURES / f"{name}.json").read_text()))
    return Story(defined(draft))


def onboarding() -> Story:
    context = {"entity_name": "Acme Corporation", "triggered_by": "sales_rep_001", "priority": "high"}
    return reference("customer_onboarding").started(REP, context=context, initial_data=CONTACT, smart_code="HERA.X")


def test_starting_the_onboarding_answers_as_the_reference_does() -> None:
    story = onboarding().then("RunCreated", "StepStarted")
    assert run_created_view(story.state, story.definition, story.history) == {
        "run_id": "run_1",
        "playbook_id": "pb_1",
        "status": "active",
        "current_step": 1,
        "created_at": "2024-01-15T12:00:00.000Z",
        "started_at": "2024-01-15T12:00:00.000Z",
        "smart_code": "HERA.X",
        "steps_status": [
            {
                "step_id": "step_001",
                "sequence": 1,
                "status": "in_progress",
                "assigned_to": "sales_rep_001",
                "started_at": "2024-01-15T12:00:00.000Z",
            },
            {"step_id": "step_002", "sequence": 2, "status": "pending"},
            {"step_id": "step_003", "sequence": 3, "status": "pending"},
            {"step_id": "step_004", "sequence": 4, "status": "pending"},
            {"step_id": "step_005", "sequence": 5, "status": "pending", "is_conditional": True},
        ],
        "timeline": [
            {
                "timestamp": "2024-01-15T12:00:00.000Z",
                "event": "run_created",
                "actor": "sales_rep_001",
                "details": {"playbook_name": "Customer Onboarding", "entity": "Acme Corporation"},
            },
            {
                "timestamp": "2024-01-15T12:00:00.000Z",
                "event": "step_started",
                "step": 1,
                "actor": "sales_rep_001",
                "details": {"step_name": "Initial Contact"},
            },
        ],
    }


def contacted() -> Story:
    assignments = {"step_002": ["sales_manager_002"]}
    return onboarding().after(minutes=30).completes(1, REP, data=CONTACT, next_step_assignments=assignments)


def test_completing_the_first_step_answers_as_the_reference_does() -> None:
    story = contacted().then("StepCompleted", "StepStarted")
    assert not isinstance(story.answer, type(None)) and story.event("StepStarted").auto_assigned
    view = completion_view(story.state, story.situation, "step_001", story.history[2:], REP)
    next_step = {key: view["next_steps"][0][key] for key in list(view["next_steps"][0])[:6]}
    assert {**view, "next_steps": [next_step]} == {
        "step_id": "step_001",
        "status": "completed",
        "completed_at": "2024-01-15T12:30:00.000Z",
        "completed_by": "sales_rep_001",
        "duration_minutes": 30,
        "outcome": "success",
        "next_steps": [
            {
                "step_id": "step_002",
                "sequence": 2,
                "status": "in_progress",
                "assigned_to": "sales_manager_002",
                "started_at": "2024-01-15T12:30:00.000Z",
                "due_at": "2024-01-17T12:30:00.000Z",
            }
        ],
        "run_status": {
            "run_id": "run_1",
            "overall_status": "active",
            "progress_percentage": 20,
            "completed_steps": 1,
            "total_steps": 5,
        },
        "timeline_entry": {
            "timestamp": "2024-01-15T12:30:00.000Z",
            "event": "step_completed",
            "step": 1,
            "actor": "sales_rep_001",
            "details": {"step_name": "Initial Contact", "duration_minutes": 30, "outcome": "success"},
        },
    }
    assert not view["next_steps"][0]["can_complete"]


def test_pausing_answers_as_the_reference_does() -> None:
    story = contacted()
    before: RunState = story.state
    caller = MANAGER.model_copy(update={"permissions": ("run:pause",)})
    pause = PauseRun(caller=caller, signal_id="sig_1", reason="Budget", pause_until=NOON + timedelta(days=5))
    story.when(pause).then("RunPaused")
    assert signal_view(before, story.state, pause, story.history[-1:]) == {
        "signal_id": "sig_1",
        "run_id": "run_1",
        "signal_type": "pause",
        "previous_status": "active",
        "new_status": "paused",
        "paused_until": "2024-01-20T12:00:00.000Z",
        "affected_steps": [{"step_id": "step_002", "status": "paused", "was_status": "in_progress"}],
        "timeline_entry": {
            "timestamp": "2024-01-15T12:30:00.000Z",
            "event": "run_paused",
            "actor": "sales_manager_002",
            "details": {"reason": "Budget", "resume_date": "2024-01-20T12:00:00.000Z"},
        },
    }


def test_a_manager_may_not_approve_one_and_a_half_million() -> None:
    refusal = contacted().completes(2, MANAGER, data={"approval_amount": 1500000})
    assert refusal.refused(Code.CONTRACT_VALIDATION_FAILED).model_dump() == {
        "code": "CONTRACT_VALIDATION_FAILED",
        "message": "Step completion violates contract conditions",
        "details": {
            "step": "step_002",
            "contract_violation": {
                "rule": "approval_limit",
                "condition": "approval_amount <= 1000000",
                "actual_value": 1500000,
                "required_role": "cfo",
                "current_role": "sales_manager",
            },
            "resolution": "User with role 'cfo' or higher must approve amounts over $1M",
        },
    }


def test_customer_onboarding_runs_to_its_end() -> None:
    story = contacted().completes(2, MANAGER, outcome="approve", data={"qualification_status": "approved"})
    story.then("StepCompleted", "StepStarted")
    outputs = {"technical_assessment_doc": "doc_1", "integration_complexity": "medium"}
    story.completes(3, somebody("sa", "solution_architect"), data=outputs)
    story.then("StepCompleted", "StepStarted", "AutomationRequested")
    story.answers(4, data={"contract_id": "c_1"}).then("StepCompleted", "StepStarted")
    documents = {"technical_assessment": "d1", "risk_assessment": "d2", "financial_impact_analysis": "d3"}
    story.completes(5, VICE, outcome="approve", data=documents)
    story.then("ApprovalRecorded", "StepCompleted", "RunCompleted")
    assert (story.state.status, story.state.outcome) == ("completed", "success")


def test_onboarding_without_qualification_waits_at_the_contract() -> None:
    story = contacted().completes(2, MANAGER, outcome="approve")
    outputs = {"technical_assessment_doc": "doc_1", "integration_complexity": "medium"}
    story.completes(3, somebody("sa", "solution_architect"), data=outputs)
    story.then("StepCompleted", "StepBlocked", "RunBlocked")
    assert story.event("StepBlocked").unmet[0].reason == "Field 'qualification_status' is missing"


def test_patient_intake_runs_to_its_end_by_hand_when_the_insurer_is_down() -> None:
    patient = {"first_name": "Ann", "last_name": "Lee", "date_of_birth": "1980-02-01", "ssn": "123-45-6789"}
    story = reference("patient_intake").started(REP).completes(1, REP, data=patient)
    story.answers(2, "failure", error="503", retryable=False).then("AutomationAttemptFailed", "AutomationFellBack")
    story.completes(2, REP, data={"verified": True}).then("StepCompleted", "StepStarted")
    story.completes(3, somebody("n", "nurse"), data={"allergies": ["penicillin"]})
    assert [found["field"] for found in story.violations()] == [name for name in HISTORY if name != "allergies"]
    story.completes(3, somebody("n", "nurse"), data=HISTORY).completes(4, somebody("d", "physician"), outcome="approve")
    assert story.then("StepCompleted", "RunCompleted").state.outcome == "success"


def test_quality_control_runs_to_its_end_and_minds_its_rejection_criteria() -> None:
    story = reference("quality_control").started(REP)
    story.completes(1, somebody("i", "qc_inspector"), data={"total_defects": 3})
    assert [found["rule"] for found in story.violations()] == ["rejection_criteria"]
    story.completes(1, somebody("i", "qc_inspector"), data={"total_defects": 1})
    story.completes(2, somebody("t", "qc_technician")).answers(3)
    assert story.completes(4, somebody("s", "qc_supervisor")).state.status == "completed"


def test_loan_approval_runs_to_its_end_by_four_of_five_votes() -> None:
    story = reference("loan_approval").started(REP, initial_data={"loan_amount": 2_000_000})
    papers = ("financial_statements_3years", "tax_returns_3years", "business_plan", "collateral_documentation")
    story.completes(1, REP, attachments=[{"name": f"{paper}.pdf"} for paper in papers])
    story.answers(2).completes(3, somebody("u", "underwriter"))
    for member in "abc":
        story.completes(4, somebody(member, "loan_committee"), outcome="approve").then("ApprovalRecorded")
    story.completes(4, somebody("d", "loan_committee"), outcome="approve")
    assert story.then("ApprovalRecorded", "StepCompleted", "RunCompleted").state.outcome == "success"


def test_incident_response_runs_to_its_end_and_leaves_out_the_review_of_a_p2() -> None:
    story = reference("incident_response").started(REP, initial_data={"severity": "P2"})
    engineer = somebody("e", "on_call_engineer")
    story.answers(1).completes(2, engineer).completes(3, engineer)
    story.then("StepCompleted", "StepSkipped", "RunCompleted")
    assert story.statuses() == ["completed", "completed", "completed", "skipped"]


def test_an_incident_is_escalated_after_the_response_time_of_its_severity() -> None:
    for severity, minutes in (("P1", 15), ("P2", 30)):
        story = reference("incident_response").started(REP).after(minutes=1).answers(1, data={"severity": severity})
        begun, due = story.now, story.now + timedelta(minutes=minutes)
        assert story.step(2).due_at == due
        story.fires("overdue:step_002:1").then("StepOverdue", "StepEscalated")
        assert story.now - begun == timedelta(minutes=minutes)
        assert story.event("StepEscalated").roles_added == ["subject_matter_expert"]
        story.completes(2, somebody("x", "subject_matter_expert"))
        assert story.event("StepCompleted").sla_breached
