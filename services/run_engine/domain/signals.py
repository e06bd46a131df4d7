"""What all signals share: their record, and which step they mean where they name none."""

from collections.abc import Collection

from contracts.commands import SignalCommand
from contracts.events import SignalRecord
from contracts.rejections import Rejection
from services.run_engine.domain.situation import invalid_field, unknown_step
from services.run_engine.domain.state import RunState, StepState


def record(command: SignalCommand) -> SignalRecord:
    return SignalRecord(
        signal_id=command.signal_id, reason=command.reason, issued_by=command.issued_by, metadata=command.metadata
    )


def chosen_step(state: RunState, step_id: str | None, statuses: Collection[str], word: str) -> StepState | Rejection:
    """The step that is named, else the only one that has one of the statuses; `word` says which those are."""
    if step_id is not None:
        return state.steps.get(step_id) or unknown_step(state, step_id)
    candidates = [step for step in state.steps.values() if step.status in statuses]
    if len(candidates) == 1:
        return candidates[0]
    reason = f"The signal must name a step: {len(candidates)} steps are {word}"
    return invalid_field("signal.step_id", None, reason, candidates=[step.step_id for step in candidates])
