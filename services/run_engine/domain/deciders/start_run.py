from typing import Any

from contracts.commands import StartRun
from contracts.events import PlaybookRef, RunCreated, StepOutline
from contracts.rejections import Code, Rejection
from services.run_engine.domain import timing
from services.run_engine.domain.controls import beyond_controls
from services.run_engine.domain.loose import positive, text
from services.run_engine.domain.plan import Plan, is_conditional, plan_of
from services.run_engine.domain.situation import Decision, Situation
from services.run_engine.domain.state import RunState


def start_run(state: RunState | None, command: StartRun, situation: Situation) -> Decision:
    """The run exists from here on; which steps start follows from it."""
    if state is not None:
        return Rejection(
            code=Code.CONFLICT,
            message=f"Expected to start run {command.run_id}, but it exists already.",
            details={"run_id": command.run_id, "current_status": state.status},
        )
    return _refused(command, situation) or [_created(command, situation)]


def _refused(command: StartRun, situation: Situation) -> Rejection | None:
    if command.organization_id != command.definition.organization_id:
        return Rejection(
            code=Code.ORGANIZATION_MISMATCH,
            message="The playbook belongs to another organization.",
            details={"field": "organization_id", "value": command.organization_id},
        )
    controls = situation.policies.financial_controls
    refusals = (beyond_controls(step, controls) for step in command.definition.steps)
    return next((refusal for refusal in refusals if refusal is not None), None)


def _created(command: StartRun, situation: Situation) -> RunCreated:
    definition, plan = command.definition, plan_of(command.definition)
    sla_hours = positive(definition.metadata.get("sla_hours"))
    calendar = timing.calendar_of(text(definition.metadata.get("calendar")), situation.policies.calendars)
    due = timing.run_due_at(sla_hours, situation.now, calendar)
    return RunCreated(
        at=situation.now,
        actor=command.caller.actor,
        run_id=command.run_id,
        organization_id=command.organization_id,
        playbook=PlaybookRef(
            playbook_id=definition.playbook_id,
            revision=definition.revision,
            name=definition.name,
            version=definition.version,
            smart_code=definition.smart_code,
        ),
        smart_code=command.smart_code,
        context=command.context,
        initial_data=command.initial_data,
        metadata=command.metadata,
        priority=text(command.context.get("priority")) or "normal",
        steps=_outlines(plan),
        sla_hours=sla_hours,
        estimated_duration_minutes=positive(definition.metadata.get("estimated_duration_minutes")),
        due_at=due,
        timers=timing.run_overdue_timer(0, due),
        calendar=timing.used(calendar) if sla_hours is not None else None,
    )


def _outlines(plan: Plan) -> list[StepOutline]:
    return [
        StepOutline(
            step_id=step.step_id,
            sequence=step.sequence,
            name=step.name,
            step_type=step.step_type,
            is_required=step.is_required,
            is_conditional=is_conditional(step),
        )
        for step in (planned.definition for planned in plan.steps)
    ]


def first_assignee(context: dict[str, Any], caller_id: str) -> str:
    """Who gets the steps without roles that start with the run."""
    return text(context.get("triggered_by")) or caller_id
