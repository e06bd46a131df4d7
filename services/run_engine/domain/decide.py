"""What a command does to a run: the events that come of it, or why it is refused."""

from datetime import datetime
from typing import assert_never

from contracts.commands import (
    CancelRun,
    ClaimStep,
    Command,
    CompleteStep,
    EraseEncryptedData,
    EscalateStep,
    FireTimer,
    PauseRun,
    ReassignStep,
    ReceiveEvent,
    RecordAutomationResult,
    RecordNotification,
    ReleaseStep,
    ResumeRun,
    RetryStep,
    SkipStep,
    StartRun,
    UpdateData,
)  # fmt: skip
from contracts.definitions import PlaybookDefinition
from contracts.events import Event
from contracts.policies import OrganizationPolicies
from contracts.rejections import Rejection
from services.run_engine.domain.advance import Course, settle
from services.run_engine.domain.bounds import beyond_limits, start_beyond_limits
from services.run_engine.domain.clear import NOTHING, Clear
from services.run_engine.domain.deciders.cancel_run import cancel_run
from services.run_engine.domain.deciders.claim_step import claim_step
from services.run_engine.domain.deciders.complete_step import complete_step
from services.run_engine.domain.deciders.erase_encrypted_data import erase_encrypted_data
from services.run_engine.domain.deciders.escalate_step import escalate_step
from services.run_engine.domain.deciders.fire_timer import fire_timer
from services.run_engine.domain.deciders.pause_run import pause_run
from services.run_engine.domain.deciders.reassign_step import reassign_step
from services.run_engine.domain.deciders.receive_event import receive_event
from services.run_engine.domain.deciders.record_automation_result import record_automation_result
from services.run_engine.domain.deciders.record_notification import record_notification
from services.run_engine.domain.deciders.release_step import release_step
from services.run_engine.domain.deciders.resume_run import resume_run
from services.run_engine.domain.deciders.retry_step import retry_step
from services.run_engine.domain.deciders.skip_step import skip_step
from services.run_engine.domain.deciders.start_run import first_assignee, start_run
from services.run_engine.domain.deciders.update_data import update_data
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.permissions import not_permitted
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Decision, Situation
from services.run_engine.domain.state import RunState

RunCommand = (
    StartRun | EraseEncryptedData | CompleteStep | ClaimStep | ReleaseStep | UpdateData | PauseRun | ResumeRun
    | CancelRun | RetryStep | SkipStep | EscalateStep | ReassignStep | ReceiveEvent | FireTimer
    | RecordAutomationResult | RecordNotification
)  # fmt: skip


def decide(
    state: RunState | None,
    definition: PlaybookDefinition,
    policies: OrganizationPolicies,
    command: Command,
    now: datetime,
    clear: Clear = NOTHING,
) -> list[Event] | Rejection:
    """The command's own events and what follows from them, or the rejection; an empty list where nothing is to be done.

    As `lead_on`, for those who fold the events themselves.
    """
    course = lead_on(state, definition, policies, command, now, clear)
    return course if isinstance(course, Rejection) else list(course.events)


def lead_on(
    state: RunState | None,
    definition: PlaybookDefinition,
    policies: OrganizationPolicies,
    command: Command,
    now: datetime,
    clear: Clear = NOTHING,
) -> Course | Rejection:
    """The events that come of the command together with the state that they lead to, or the rejection.

    `definition` is the revision that the run is pinned to. `state` is None only for StartRun. `clear` has what the
    encrypted values of state and command hold.
    Raises ValueError for a command that is none of a run's, or that comes to no run.
    """
    if not isinstance(command, RunCommand):
        raise ValueError(f"{type(command).__name__} is no command to a run")
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    caused_by = command.caller.id if command.caller.type == "user" else None
    situation = Situation(plan_of(definition), policies, now, clear, caused_by)
    if isinstance(command, StartRun):
        return _started(state, command, situation)
    if state is None:
        raise ValueError(f"{type(command).__name__} came to a run that does not exist")
    decision = not_permitted(command) or beyond_limits(state, command) or _decision(state, command, situation)
    if isinstance(decision, Rejection):
        return decision
    course = Course(state, decision)
    if course.events:
        settle(course, situation)
    return course


def _started(state: RunState | None, command: StartRun, situation: Situation) -> Course | Rejection:
    decision = start_beyond_limits(command) or start_run(state, command, situation)
    if isinstance(decision, Rejection):
        return decision
    created, *_ = decision
    course = Course(evolve(None, created))
    settle(course, situation, command.caller.actor, first_assignee(command.context, command.caller.id))
    course.events.insert(0, created)
    return course


def _decision(state: RunState, command: RunCommand, situation: Situation) -> Decision:  # noqa: C901 - a table
    match command:
        case CompleteStep():
            return complete_step(state, command, situation)
        case RecordAutomationResult():
            return record_automation_result(state, command, situation)
        case FireTimer():
            return fire_timer(state, command, situation)
        case ClaimStep():
            return claim_step(state, command, situation)
        case ReleaseStep():
            return release_step(state, command, situation)
        case UpdateData():
            return update_data(state, command, situation)
        case EraseEncryptedData():
            return erase_encrypted_data(state, command, situation)
        case PauseRun():
            return pause_run(state, command, situation)
        case ResumeRun():
            return resume_run(state, command, situation)
        case CancelRun():
            return cancel_run(state, command, situation)
        case RetryStep():
            return retry_step(state, command, situation)
        case SkipStep():
            return skip_step(state, command, situation)
        case EscalateStep():
            return escalate_step(state, command, situation)
        case ReassignStep():
            return reassign_step(state, command, situation)
        case ReceiveEvent():
            return receive_event(state, command, situation)
        case RecordNotification():
            return record_notification(state, command, situation)
        case StartRun():
            return start_run(state, command, situation)
        case _:
            assert_never(command)
