"""What each event means for the state. Decides nothing: every choice was made before the event was written."""

from typing import assert_never

from contracts.events import (
    ApprovalRecorded,
    AutomationAttemptFailed,
    AutomationFellBack,
    AutomationRequested,
    DataUpdated,
    EncryptedDataErased,
    Event,
    LateResultRecorded,
    NotificationFailed,
    NotificationSent,
    ReminderDue,
    RunBlocked,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunOverdue,
    RunPaused,
    RunReopened,
    RunResumed,
    RunUnblocked,
    StepAssigned,
    StepBlocked,
    StepCancelled,
    StepCompleted,
    StepEscalated,
    StepFailed,
    StepOffered,
    StepOverdue,
    StepReleased,
    StepRetried,
    StepSkipped,
    StepsReturned,
    StepStarted,
    Timer,
)  # fmt: skip
from services.run_engine.domain import standstill, stepping
from services.run_engine.domain.copying import changed
from services.run_engine.domain.sizes import kept_bytes
from services.run_engine.domain.state import RunState, StepState

RunEvent = (
    RunCreated | StepStarted | StepCompleted | StepFailed | StepSkipped | StepBlocked | StepCancelled | StepsReturned
    | StepRetried | StepAssigned | StepOffered | StepReleased | StepEscalated | StepOverdue | ReminderDue
    | ApprovalRecorded | AutomationRequested | AutomationAttemptFailed | AutomationFellBack | LateResultRecorded
    | DataUpdated | EncryptedDataErased | RunPaused | RunResumed | RunOverdue | RunBlocked | RunUnblocked
    | RunCompleted | RunFailed
    | RunReopened | RunCancelled | NotificationSent | NotificationFailed
)  # fmt: skip


def evolve(state: RunState | None, event: Event) -> RunState:
    """The state after the event. Raises ValueError for an event of no run, or a run that begins with another event."""
    if isinstance(event, RunCreated):
        return _created(event)
    if state is None:
        raise ValueError(f"a run begins with RunCreated, not with {type(event).__name__}")
    if not isinstance(event, RunEvent):
        raise ValueError(f"{type(event).__name__} is no event of a run")
    return _applied(state, event)


def _created(event: RunCreated) -> RunState:
    steps = {
        outline.step_id: StepState(
            step_id=outline.step_id, sequence=outline.sequence, name=outline.name, step_type=outline.step_type,
            is_required=outline.is_required, is_conditional=outline.is_conditional,
        )
        for outline in event.steps
    }  # fmt: skip
    return RunState(
        run_id=event.run_id, organization_id=event.organization_id, playbook=event.playbook,
        smart_code=event.smart_code, context=event.context, data=event.initial_data, metadata=event.metadata,
        priority=event.priority, steps=steps, created_at=event.at, created_by=event.actor.id, updated_at=event.at,
        sequence=1, started_at=event.at, due_at=event.due_at, calendar=event.calendar, sla_hours=event.sla_hours,
        timers=tuple(event.timers),
    )  # fmt: skip


def _applied(state: RunState, event: RunEvent) -> RunState:  # noqa: C901 - one line for each event
    match event:
        case StepStarted():
            return _with_step(
                state, event, stepping.started(state.steps[event.step_id], event), set_timers=event.timers
            )
        case StepCompleted():
            return _completed(state, event)
        case StepFailed():
            return _failed(state, event)
        case StepSkipped():
            return _with_step(state, event, stepping.skipped(state.steps[event.step_id], event))
        case StepBlocked():
            return _with_step(state, event, stepping.blocked(state.steps[event.step_id], event))
        case StepCancelled():
            return _with_step(state, event, stepping.cancelled(state.steps[event.step_id], event, event.reason))
        case StepsReturned():
            return _returned(state, event)
        case StepRetried():
            return _with_step(state, event, stepping.renewed(state.steps[event.step_id], event))
        case StepAssigned():
            step = stepping.with_assignee(state.steps[event.step_id], event)
            return _with_step(state, event, step, clear_timers=False)
        case StepOffered():
            step = stepping.offered(state.steps[event.step_id], event.candidates)
            return _with_step(state, event, step, clear_timers=False)
        case StepReleased():
            step = changed(state.steps[event.step_id], assigned_to=None, auto_assigned=False)
            return _with_step(state, event, step, clear_timers=False)
        case StepEscalated():
            return _escalated(state, event)
        case StepOverdue():
            step = changed(state.steps[event.step_id], overdue=True, sla_breached=True)
            return _with_step(_without_timer(state, event.timer_id), event, step, clear_timers=False)
        case ReminderDue():
            without = _without_timer(state, event.timer_id)
            return _with_step(without, event, state.steps[event.step_id], clear_timers=False)
        case ApprovalRecorded():
            return _with_step(state, event, stepping.voted(state.steps[event.step_id], event), clear_timers=False)
        case AutomationRequested():
            step = changed(state.steps[event.step_id], job_id=event.job_id, job_attempt=event.attempt_number)
            return _with_step(state, event, step, set_timers=event.timers)
        case AutomationAttemptFailed():
            timers = [event.retry] if event.retry is not None else []
            step = changed(state.steps[event.step_id], job_id=None)
            return _with_step(state, event, step, set_timers=timers)
        case AutomationFellBack():
            step = changed(
                state.steps[event.step_id], execution_mode="manual", job_id=None, reason=event.reason,
                calendar=event.calendar,
            )  # fmt: skip
            return _with_step(state, event, step, set_timers=event.timers)
        case LateResultRecorded() | NotificationSent() | NotificationFailed():
            return changed(state, sequence=state.sequence + 1, updated_at=event.at)
        case DataUpdated():
            return _data_updated(state, event)
        case EncryptedDataErased():
            erased = tuple(dict.fromkeys((*state.erased_keys, *event.key_ids)))
            return changed(state, sequence=state.sequence + 1, updated_at=event.at, erased_keys=erased)
        case RunPaused():
            return standstill.paused(state, event)
        case RunResumed():
            return standstill.resumed(state, event)
        case RunOverdue():
            overdue = changed(_without_timer(state, event.timer_id), sla_breached=True)
            return changed(overdue, sequence=state.sequence + 1, updated_at=event.at)
        case RunBlocked():
            return changed(state, sequence=state.sequence + 1, updated_at=event.at, status="blocked")
        case RunUnblocked():
            return changed(state, sequence=state.sequence + 1, updated_at=event.at, status="active")
        case RunCompleted():
            breached = state.sla_breached or event.sla_met is False  # its timer may not have had its turn
            return _ended(changed(state, status="completed", outcome=event.outcome, sla_breached=breached), event)
        case RunFailed():
            return _ended(changed(state, status="failed", outcome="failed"), event)
        case RunReopened():
            return _reopened(state, event)
        case RunCancelled():
            return _run_cancelled(state, event)
        case RunCreated():
            raise ValueError(f"{state.run_id} has been created already")
        case _:
            assert_never(event)


def _with_step(
    state: RunState,
    event: Event,
    step: StepState,
    *,
    set_timers: list[Timer] | None = None,
    clear_timers: bool = True,
) -> RunState:
    """The state with one step changed; its timers go, unless they are kept, and those that are set take their place."""
    steps = state.steps
    if steps[step.step_id] is not step:
        steps = {**steps, step.step_id: step}
    timers, stopped = state.timers, state.stopped_timers
    if clear_timers and (timers or stopped):
        timers, stopped = _of_others(timers, {step.step_id}), _of_others(stopped, {step.step_id})
    if set_timers and state.is_paused:
        stopped = (*stopped, *set_timers)
    elif set_timers:
        timers = (*timers, *set_timers)
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, steps=steps, timers=timers, stopped_timers=stopped
    )


def _of_others(timers: tuple[Timer, ...], step_ids: set[str]) -> tuple[Timer, ...]:
    kept = tuple(timer for timer in timers if timer.step_id not in step_ids)
    return timers if len(kept) == len(timers) else kept


def _without_timer(state: RunState, timer_id: str) -> RunState:
    return changed(state, timers=tuple(timer for timer in state.timers if timer.timer_id != timer_id))


def _completed(state: RunState, event: StepCompleted) -> RunState:
    step = changed(
        state.steps[event.step_id], status="completed", ended_at=event.at, completed_by=event.completed_by,
        on_behalf_of=event.on_behalf_of,
        hands=_hands(state.steps[event.step_id], event.completed_by, event),
        outcome=event.outcome, was_status=None, sla_breached=event.sla_breached, data=event.data,
        attachments=tuple(event.attachments), job_id=None, reason=None,
        kept_bytes=state.steps[event.step_id].kept_bytes + kept_bytes(event.data, event.attachments),
    )  # fmt: skip
    after = _with_step(state, event, step)
    steps = after.steps
    if event.assignments:
        steps = {**steps, **{i: stepping.given(steps[i], to) for i, to in event.assignments.items()}}
    if event.candidates:
        steps = {**steps, **{i: stepping.offered(steps[i], users) for i, users in event.candidates.items()}}
    data = {**state.data, **event.data} if event.data else state.data
    return after if steps is after.steps and data is state.data else changed(after, steps=steps, data=data)


def _failed(state: RunState, event: StepFailed) -> RunState:
    step = changed(
        state.steps[event.step_id], status="failed", ended_at=event.at, completed_by=event.failed_by,
        on_behalf_of=event.on_behalf_of, hands=_hands(state.steps[event.step_id], event.failed_by, event),
        outcome="failure", reason=event.reason, was_status=None, data=event.data,
        attachments=tuple(event.attachments), job_id=None, unmet=(),
        kept_bytes=state.steps[event.step_id].kept_bytes + kept_bytes(event.data, event.attachments),
    )  # fmt: skip
    after = _with_step(state, event, step)
    return changed(after, data={**state.data, **event.data}) if event.data else after


def _hands(step: StepState, by: str | None, event: StepCompleted | StepFailed) -> tuple[str, ...]:
    return step.hands if by is None else stepping.hands_with(step, by, event.actor.id, event.on_behalf_of)


def _returned(state: RunState, event: StepsReturned) -> RunState:
    renewed = {step_id: stepping.renewed(state.steps[step_id], event) for step_id in (event.to_step, *event.reset)}
    gone = set(renewed)
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, steps={**state.steps, **renewed},
        timers=_of_others(state.timers, gone), stopped_timers=_of_others(state.stopped_timers, gone),
    )  # fmt: skip


def _escalated(state: RunState, event: StepEscalated) -> RunState:
    """A step is escalated by the clock once: any escalation before takes the timer away."""
    step = state.steps[event.step_id]
    roles = (*step.assignee_roles, *(role for role in event.roles_added if role not in step.assignee_roles))
    step = changed(step, assignee_roles=roles, assigned_to=event.assigned_to or step.assigned_to)
    after = _with_step(state, event, step, clear_timers=False)
    timers, stopped = (
        tuple(t for t in some if not _escalates(t, step)) for some in (after.timers, after.stopped_timers)
    )
    return changed(after, timers=timers, stopped_timers=stopped)


def _escalates(timer: Timer, step: StepState) -> bool:
    return timer.kind == "escalation" and timer.step_id == step.step_id


def _data_updated(state: RunState, event: DataUpdated) -> RunState:
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at,
        data={**state.data, **event.data} if event.data else state.data,
        metadata={**state.metadata, **event.metadata} if event.metadata else state.metadata,
        priority=event.priority or state.priority,
    )  # fmt: skip


def _ended(state: RunState, event: Event) -> RunState:
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, ended_at=event.at, timers=(), stopped_timers=(),
        paused_at=None, pause_until=None,
    )  # fmt: skip


def _reopened(state: RunState, event: RunReopened) -> RunState:
    """Steps that were cancelled because the run failed are to be done again."""
    pending = {i: stepping.renewed(step, event) for i, step in state.steps.items() if step.status == "cancelled"}
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, status="active", outcome=None, ended_at=None,
        timers=tuple(event.timers),
        steps={**state.steps, **pending} if pending else state.steps,
    )  # fmt: skip


def _run_cancelled(state: RunState, event: RunCancelled) -> RunState:
    reason = event.signal.reason
    cancelled = {i: stepping.cancelled(state.steps[i], event, reason) for i in event.steps}
    ended = changed(state, status="cancelled", outcome="cancelled", steps={**state.steps, **cancelled})
    return _ended(ended, event)
