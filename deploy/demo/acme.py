"""Acme's onboarding, step by step, each done by whom it waits for; the machine and the signal come over Kafka."""

from collections.abc import Callable
from uuid import uuid4

from contracts.signals import Signal, SignalMessage
from deploy.client import Invalid
from deploy.client.shapes import Run, StepCompleted
from deploy.demo import parts
from deploy.demo.errors import DemoError, require
from deploy.demo.house import House
from deploy.demo.outside import Outside
from deploy.demo.walk import Walk

DEAL_SIZE = 750_000
CONTACT = {
    "company_name": "Acme Corporation",
    "contact_email": "john.doe@acme.com",
    "estimated_deal_size": DEAL_SIZE,
    "customer_type": "enterprise",
}
EXPECTED = (
    "run_created", "step_started", "step_completed", "step_started", "step_completed", "step_started",
    "step_completed", "step_blocked", "run_blocked", "data_updated", "run_unblocked", "step_started",
    "step_completed", "step_started", "approval_recorded", "step_completed", "run_completed",
)  # fmt: skip
"""What Acme's timeline shows of it, housekeeping left out."""
Say = Callable[[str], None]


async def onboard(house: House, outside: Outside, say: Say) -> Run:
    """The run as it ended."""
    rep = house.of(parts.SALES_REP)
    run_id = await _start(house, say)
    await _contact(house, run_id, say)
    await _qualify(house, run_id, say)
    await _assess(house, run_id, say)
    await _signal(house, outside, run_id, say)
    walk = Walk(house, rep, run_id, {})
    prepared = (await walk.until_people_are_needed())["data"]
    require(
        prepared.get("contract_template") == "CUSTOM_CONTRACT_v1", f"The worker's contract is missing in {prepared}."
    )
    say(f"worker.jobs    the outside worker prepared the contract: {prepared['contract_template']}")
    await _approve(house, run_id, say)
    return await rep.run(run_id)


async def _start(house: House, say: Say) -> str:
    started = await house.of(parts.SALES_REP).start_run(
        {
            "playbook_id": house.playbook_id,
            "smart_code": "HERA.CRM.RUN.CUSTOMER.ONBOARDING.v1",
            "context": {
                "entity_type": "customer",
                "entity_id": "cust_987654321",
                "entity_name": "Acme Corporation",
                "triggered_by": parts.SALES_REP.sub,
                "priority": "high",
            },
            "initial_data": {**CONTACT, "region": "north_america", "industry": "technology"},
        }
    )
    say(f"sales_rep_001  started {started['run_id']}")
    return started["run_id"]


async def _contact(house: House, run_id: str, say: Say) -> None:
    done = await house.of(parts.SALES_REP).complete_step(
        run_id, "step_001", data=CONTACT, next_step_assignments={"step_002": [parts.SALES_MANAGER.sub]}
    )
    progress = done["run_status"]["progress_percentage"]
    require(progress == 20, f"After one of five steps the progress is {progress} %.")
    say(f"sales_rep_001  completed Initial Contact: {progress} %, next is {_next(done)}")


async def _qualify(house: House, run_id: str, say: Say) -> None:
    manager = house.of(parts.SALES_MANAGER)
    waiting = await manager.tasks(limit=100)
    require(
        any(task["run_id"] == run_id for task in waiting["tasks"]),
        f"The task list of {parts.SALES_MANAGER.sub} does not hold the step that the answer before said is theirs.",
    )
    done = await manager.complete_step(run_id, "step_002", "approve")
    say(f"sales_manager_002 approved the qualification: next is {_next(done)}")


async def _assess(house: House, run_id: str, say: Say) -> None:
    part = parts.ONBOARDING["Technical Assessment"]
    done = await house.of(parts.ARCHITECT).complete_step(
        run_id, "step_003", data=part.data, attachments=part.attachments
    )
    status, waiting = done["run_status"]["overall_status"], done["next_steps"]
    require(
        status == "blocked" and [step["step_id"] for step in waiting] == ["step_004"],
        f"Without qualification_status the contract must wait, but the run is {status} with {waiting}.",
    )
    unmet = waiting[0].get("waits_for") or []
    reason = unmet[0]["reason"] if unmet else "for no reason that is told"
    say(f"solution_architect_004 completed Technical Assessment: the run is blocked ({reason})")


async def _signal(house: House, outside: Outside, run_id: str, say: Say) -> None:
    """The other system says it twice, as systems do; it counts once."""
    signal = Signal(type="event", name="qualification_confirmed", data={"qualification_status": "approved"})
    message = SignalMessage(
        organization_id=house.organization_id, run_id=run_id, signal=signal, signal_id=f"sig_{uuid4()}"
    )
    for _ in range(2):
        outcome = await outside.signal(message)
        require(outcome.accepted, f"The signal was not accepted: {outcome.rejection}.")
    say("playbook.signals  qualification_confirmed, sent twice, counted once: the run goes on")


async def _approve(house: House, run_id: str, say: Say) -> None:
    part, chief = parts.ONBOARDING["Final Approval"], house.of(parts.VP_SALES)
    try:
        await chief.complete_step(run_id, "step_005", "approve")
    except Invalid as error:
        require(error.code == "CONTRACT_VALIDATION_FAILED", f"Without documents the approval came to {error}.")
        say(f"vp_sales_001   was refused without the documents ({error.code})")
    else:
        raise DemoError("The final approval went through without its required documents.")
    done = await chief.complete_step(run_id, "step_005", "approve", attachments=part.attachments)
    require(
        done["status"] == "completed", f"{DEAL_SIZE} needs vp_sales alone, but {done.get('approvals')} is asked for."
    )
    say(f"vp_sales_001   gave the final approval: the run is {done['run_status']['overall_status']}")


def _next(done: StepCompleted) -> str:
    return ", ".join(
        f"{step.get('step_name')} ({step.get('assigned_to') or ' or '.join(step.get('assignee_roles') or [])})"
        for step in done["next_steps"]
    )
