"""What the automation service is told of attempts in flight, so that none begins for a run that stands still or without
need. Only runs that have such attempts cost a message."""

from collections.abc import Iterable, Iterator

from contracts.events import AutomationRequested, Event
from contracts.jobs import JobsOrder
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.domain.state import RunState


def orders(before: RunState, after: RunState, answered: str | None = None) -> Iterator[JobsOrder]:
    """`answered`: the job whose answer led from one state to the other; whoever gave it knows that it is over."""
    was, still = _in_flight(before), _in_flight(after)
    ended = [job_id for job_id in was if job_id not in still and job_id != answered]
    if ended:
        yield JobsOrder(run_id=after.run_id, order="withdraw", job_ids=ended, sequence=after.sequence)
    going = [job_id for job_id in was if job_id in still]
    if going and before.is_paused != after.is_paused:
        order = "hold" if after.is_paused else "release"
        yield JobsOrder(run_id=after.run_id, order=order, job_ids=going, sequence=after.sequence)


def asked_for(decided: Iterable[Event], after: RunState) -> Iterator[AutomationRequested]:
    """The attempts that machines are to begin: not those that ended in the same breath, as when the run failed."""
    going = _in_flight(after)
    return (event for event in decided if isinstance(event, AutomationRequested) and event.job_id in going)


def _in_flight(state: RunState) -> list[str]:
    if state.status not in RUN_OPEN:
        return []
    return [step.job_id for step in state.steps.values() if step.job_id is not None and step.is_open]
