"""Due dates and timers of human work, and the timers of automated attempts.

Timer ids follow from what they are for, so that each is unique in its run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from contracts.calendars import AROUND_THE_CLOCK, DEFAULT, CalendarUse, NamedCalendar
from contracts.events import NewDates, StepDates, Timer
from services.run_engine.domain.business_time import Calendar, between, earlier, later, moved
from services.run_engine.domain.calendars import business_calendar
from services.run_engine.domain.loose import mapping, positive, span, text, texts
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.state import RunState

Calendars = Mapping[str, NamedCalendar]
"""Of one organisation, by name."""
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_OF_WORK = ("run_overdue", "step_overdue", "escalation", "reminder")
"""Timers that count business time; all others count time."""
_LONGEST_WAIT = 300.0
_LONGEST_ASKED = 3600.0
_ENDPOINT_GRACE = timedelta(minutes=15)
"""The automation service times its calls itself, and a job waits there for a host whose circuit is open; the engine's
own guard only steps in where that service went silent."""


@dataclass(frozen=True, slots=True)
class Dates:
    """What work that begins is reckoned to: when it is due, and what happens until then and from then on."""

    due_at: datetime | None
    timers: list[Timer]
    calendar: CalendarUse | None


def calendar_of(name: str | None, calendars: Calendars) -> Calendar:
    """The one that is named, else the organisation's default. None: around the clock."""
    return None if name == AROUND_THE_CLOCK else _by_name(name or DEFAULT, calendars)


def local(step: PlannedStep, now: datetime, calendars: Calendars) -> datetime:
    """The moment as the clock on the wall shows it where the step's calendar is; in UTC without one."""
    calendar = calendar_of(step.calendar, calendars)
    return now.astimezone(ZoneInfo(calendar.time_zone)) if calendar is not None else now


def used(calendar: Calendar) -> CalendarUse | None:
    return calendar.use if calendar is not None else None


def work_dates(
    step: PlannedStep, attempt: int, start: datetime, data: Mapping[str, Any], calendars: Calendars
) -> Dates:
    """Of human work that begins at `start`; `data` is the run's."""
    due = due_at(step, start, data, calendars)
    return Dates(
        due, work_timers(step, attempt, start, due, data, calendars), used(calendar_of(step.calendar, calendars))
    )


def work_timers(
    step: PlannedStep,
    attempt: int,
    start: datetime,
    due: datetime | None,
    data: Mapping[str, Any],
    calendars: Calendars,
) -> list[Timer]:
    """When it is overdue, when it is escalated, and when somebody is reminded of it."""
    calendar = calendar_of(step.calendar, calendars)
    return [
        *_overdue_timer(step, attempt, start, due, data, calendar),
        *_escalation_timer(step, attempt, start, calendar),
        *_reminder_timers(step, attempt, start, due, calendar),
    ]


def due_at(step: PlannedStep, start: datetime, data: Mapping[str, Any], calendars: Calendars) -> datetime | None:
    """By the step's `response_sla`, else by hours of an SLA, else by its time-out."""
    amount = _response(step, data) or _amount(step.sla_hours, _HOUR) or _time_out(step, data)
    return later(calendar_of(step.calendar, calendars), start, amount) if amount is not None else None


def run_due_at(sla_hours: float | None, start: datetime, calendar: Calendar) -> datetime | None:
    amount = _amount(sla_hours, _HOUR)
    return later(calendar, start, amount) if amount is not None else None


def _overdue_timer(
    step: PlannedStep, attempt: int, start: datetime, due: datetime | None, data: Mapping[str, Any], calendar: Calendar
) -> Iterator[Timer]:
    amount = _time_out(step, data)
    overdue = later(calendar, start, amount) if amount is not None else due
    if overdue is not None:
        yield _timer("step_overdue", f"overdue:{step.step_id}:{attempt}", overdue, step)


def _escalation_timer(step: PlannedStep, attempt: int, start: datetime, calendar: Calendar) -> Iterator[Timer]:
    hours = _amount(escalation(step).get("after_hours"), _HOUR)
    if hours is not None and escalation_roles(step):
        yield _timer("escalation", f"escalation:{step.step_id}:{attempt}", later(calendar, start, hours), step)


def _reminder_timers(
    step: PlannedStep, attempt: int, start: datetime, due: datetime | None, calendar: Calendar
) -> Iterator[Timer]:
    """None for a moment that lies before the start: whoever gets the step is told of it then."""
    if due is None:
        return
    for number, before in enumerate(step.reminders):
        moment = earlier(calendar, due, before)
        if moment > start:
            yield _timer("reminder", f"reminder:{step.step_id}:{attempt}:{number}", moment, step)


def _time_out(step: PlannedStep, data: Mapping[str, Any]) -> timedelta | None:
    return _response(step, data) or _amount(step.definition.timeout_minutes, _MINUTE)


def _response(step: PlannedStep, data: Mapping[str, Any]) -> timedelta | None:
    """What `response_sla` says of the run's severity, in minutes."""
    severity = text(data.get("severity"))
    return _amount(mapping(step.definition.metadata.get("response_sla")).get(severity), _MINUTE) if severity else None


def _amount(value: Any, unit: timedelta) -> timedelta | None:
    amount = positive(value)
    return span(amount, unit) if amount is not None else None


def _timer(kind: str, timer_id: str, moment: datetime, step: PlannedStep) -> Timer:
    return Timer.model_validate({"timer_id": timer_id, "kind": kind, "due_at": moment, "step_id": step.step_id})


def escalation(step: PlannedStep) -> dict[str, Any]:
    return mapping(step.definition.metadata.get("escalation"))


def escalation_roles(step: PlannedStep) -> list[str]:
    return texts(escalation(step).get("escalate_to"))


def run_overdue_timer(sequence: int, due: datetime | None) -> list[Timer]:
    """None for a run without an SLA. `sequence` tells it from one that was set before."""
    return [Timer(timer_id=f"run_overdue:{sequence}", kind="run_overdue", due_at=due)] if due is not None else []


def resume_timer(sequence: int, moment: datetime) -> Timer:
    return Timer(timer_id=f"resume:{sequence}", kind="resume", due_at=moment)


def dates_after_pause(state: RunState, steps: list[str], now: datetime, calendars: Calendars) -> NewDates:
    """Of a paused run that goes on at `now`: what business time was left counts on, by the calendars in force now."""
    since = state.paused_at or now

    def after(moment: datetime | None, use: CalendarUse | None) -> datetime | None:
        return moved(_current(use, calendars), moment, since, now) if moment is not None else None

    def later_timer(timer: Timer) -> Timer:
        counted_by = state.steps[timer.step_id].calendar if timer.step_id else state.calendar
        use = counted_by if timer.kind in _OF_WORK else None
        return Timer.model_validate({**timer.model_dump(), "due_at": after(timer.due_at, use)})

    return NewDates(
        due_at=after(state.due_at, state.calendar),
        calendar=used(_current(state.calendar, calendars)),
        steps={
            step.step_id: StepDates(
                due_at=after(step.due_at, step.calendar), calendar=used(_current(step.calendar, calendars))
            )
            for step in map(state.steps.__getitem__, steps)
        },
        timers=[later_timer(timer) for timer in state.stopped_timers],
    )


def overrun_hours(state: RunState, now: datetime, calendars: Calendars) -> float | None:
    """How long a run is beyond its due date; None where it is not."""
    if state.due_at is None or now <= state.due_at:
        return None
    return between(_current(state.calendar, calendars), state.due_at, now) / _HOUR


def _current(use: CalendarUse | None, calendars: Calendars) -> Calendar:
    return _by_name(use.name, calendars) if use is not None else None


def _by_name(name: str, calendars: Calendars) -> Calendar:
    found = calendars.get(name)
    return business_calendar(found) if found is not None else None


def attempt_guard(step: PlannedStep, attempt: int, attempt_number: int, start: datetime) -> list[Timer]:
    """When an automated attempt counts as failed without an answer; never, where no `timeout_seconds` is configured."""
    config = step.definition.automation_config or {}
    seconds = positive(config.get("timeout_seconds"))
    if seconds is None:
        return []
    moment = start + span(seconds, timedelta(seconds=1))
    moment = moment + _ENDPOINT_GRACE if config.get("api_endpoint") else moment
    return [_timer("automation_timeout", f"timeout:{step.step_id}:{attempt}:{attempt_number}", moment, step)]


def retry_timer(
    step: PlannedStep, attempt: int, attempt_number: int, job_id: str, start: datetime, asked: float | None
) -> Timer:
    """Exponential backoff, or the longer pause that was `asked` for, up to a quarter longer by a jitter that follows
    from the job's id."""
    wait = max(min(_LONGEST_WAIT, 2.0 ** min(attempt_number, 16)), min(positive(asked) or 0.0, _LONGEST_ASKED))
    jitter = int.from_bytes(sha256(job_id.encode("utf-8", "replace")).digest()[:2], "big") / 65535 / 4
    moment = start + timedelta(milliseconds=int(wait * (1 + jitter) * 1000))
    return _timer("automation_retry", f"retry:{step.step_id}:{attempt}:{attempt_number}", moment, step)
